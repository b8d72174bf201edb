# Use it from Nushell with: overlay use bin/activate.nu
# and leave the environment with: deactivate

export-env {
    @@HERE@@
    let prompt = (@@PROMPT@@)
    let name = (if ('Path' in $env) { 'Path' } else { 'PATH' })
    let old = ($env | get $name | if (($in | describe) == 'string') { split row (char esep) } else { $in })
    let bin = ([$virtual_env @@BIN@@] | path join)

    load-env { $name: ($old | prepend $bin), VIRTUAL_ENV: $virtual_env, VIRTUAL_ENV_PROMPT: $prompt }

    if not ('VIRTUAL_ENV_DISABLE_PROMPT' in $env) and ('PROMPT_COMMAND' in $env) {
        let inner = $env.PROMPT_COMMAND
        let wrapped = (if (($inner | describe) == 'closure') {
            {|| $'(char lparen)($prompt)(char rparen) (do $inner)' }
        } else {
            {|| $'(char lparen)($prompt)(char rparen) ($inner)' }
        })
        load-env { PROMPT_COMMAND: $wrapped }
    }
}

export alias deactivate = overlay hide activate
