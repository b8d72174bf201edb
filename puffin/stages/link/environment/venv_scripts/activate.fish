# Use it from fish with: source bin/activate.fish

function deactivate -d 'Leave the virtual environment'
    if set -q _PUFFIN_OLD_PATH
        set -gx PATH $_PUFFIN_OLD_PATH
        set -e _PUFFIN_OLD_PATH
    end
    if set -q _PUFFIN_OLD_PYTHONHOME
        set -gx PYTHONHOME $_PUFFIN_OLD_PYTHONHOME
        set -e _PUFFIN_OLD_PYTHONHOME
    end
    if functions -q _puffin_old_prompt
        functions -e fish_prompt
        functions -c _puffin_old_prompt fish_prompt
        functions -e _puffin_old_prompt _puffin_status
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    if test "$argv[1]" != keep
        functions -e deactivate
    end
end

deactivate keep

set -gx VIRTUAL_ENV @@ROOT@@
set -gx VIRTUAL_ENV_PROMPT @@PROMPT@@

set -gx _PUFFIN_OLD_PATH $PATH
set -gx PATH "$VIRTUAL_ENV/"@@BIN@@ $PATH

if set -q PYTHONHOME
    set -gx _PUFFIN_OLD_PYTHONHOME $PYTHONHOME
    set -e PYTHONHOME
end

if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"; and functions -q fish_prompt
    functions -c fish_prompt _puffin_old_prompt
    function _puffin_status
        return $argv[1]
    end
    function fish_prompt
        # what the last command returned must reach the prompt that is wrapped
        set -l last $status
        printf '(%s) ' $VIRTUAL_ENV_PROMPT
        _puffin_status $last
        _puffin_old_prompt
    end
end
