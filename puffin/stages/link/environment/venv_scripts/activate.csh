# Use it from csh or tcsh with: source bin/activate.csh

alias deactivate 'if ($?_PUFFIN_OLD_PATH) setenv PATH "$_PUFFIN_OLD_PATH"; unset _PUFFIN_OLD_PATH; if ($?_PUFFIN_OLD_PROMPT) set prompt="$_PUFFIN_OLD_PROMPT:q"; unset _PUFFIN_OLD_PROMPT; rehash; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; test "\!:*" != "keep" && unalias deactivate'

deactivate keep

setenv VIRTUAL_ENV @@ROOT@@
setenv VIRTUAL_ENV_PROMPT @@PROMPT@@

set _PUFFIN_OLD_PATH="$PATH:q"
setenv PATH "$VIRTUAL_ENV:q/"@@BIN@@":$PATH:q"

if (! $?VIRTUAL_ENV_DISABLE_PROMPT && $?prompt) then
    set _PUFFIN_OLD_PROMPT="$prompt:q"
    set prompt="($VIRTUAL_ENV_PROMPT:q) $prompt:q"
endif

rehash
