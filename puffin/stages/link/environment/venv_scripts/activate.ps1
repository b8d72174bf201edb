# Use it from PowerShell with: . bin/activate.ps1 (on Windows: . Scripts\activate.ps1)

function global:deactivate ([switch]$Keep) {
    if (Test-Path variable:global:_PuffinOldPath) {
        $env:PATH = $global:_PuffinOldPath
        Remove-Variable -Name _PuffinOldPath -Scope Global
    }
    if (Test-Path variable:global:_PuffinOldPythonHome) {
        $env:PYTHONHOME = $global:_PuffinOldPythonHome
        Remove-Variable -Name _PuffinOldPythonHome -Scope Global
    }
    if (Test-Path function:_puffin_old_prompt) {
        $function:prompt = $function:_puffin_old_prompt
        Remove-Item function:_puffin_old_prompt
    }
    foreach ($name in 'VIRTUAL_ENV', 'VIRTUAL_ENV_PROMPT') {
        if (Test-Path "env:$name") { Remove-Item "env:$name" }
    }
    if (-not $Keep) { Remove-Item function:deactivate }
}

deactivate -Keep

$env:VIRTUAL_ENV = @@ROOT@@
$env:VIRTUAL_ENV_PROMPT = @@PROMPT@@

New-Variable -Scope Global -Name _PuffinOldPath -Value $env:PATH
$env:PATH = (Join-Path $env:VIRTUAL_ENV @@BIN@@) + [IO.Path]::PathSeparator + $env:PATH

if (Test-Path env:PYTHONHOME) {
    New-Variable -Scope Global -Name _PuffinOldPythonHome -Value $env:PYTHONHOME
    Remove-Item env:PYTHONHOME
}

if (-not $env:VIRTUAL_ENV_DISABLE_PROMPT) {
    function global:_puffin_old_prompt { '' }
    $function:_puffin_old_prompt = $function:prompt
    function global:prompt {
        Write-Host -NoNewline "($env:VIRTUAL_ENV_PROMPT) "
        _puffin_old_prompt
    }
}
