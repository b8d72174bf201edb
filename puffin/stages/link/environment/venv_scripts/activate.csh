# Use it from csh or tcsh with: source bin/activate.csh

alias deactivate 'test $?_PUFFIN_OLD_PATH != 0 && setenv PATH "$_PUFFIN_OLD_PATH:q" && unset _PUFFIN_OLD_PATH; rehash; test $?_PUFFIN_OLD_PROMPT != 0 && set prompt="$_PUFFIN_OLD_PROMPT:q" && unset _PUFFIN_OLD_PROMPT; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; test "\!:*" != "keep" && unalias deactivate'

deactivate keep

@@HERE@@
setenv VIRTUAL_ENV_PROMPT @@PROMPT@@

set _PUFFIN_OLD_PATH="$PATH:q"
setenv PATH "$VIRTUAL_ENV:q/"@@BIN@@":$PATH:q"

if (! $?VIRTUAL_ENV_DISABLE_PROMPT && $?prompt) then
    set _PUFFIN_OLD_PROMPT="$prompt:q"
    set prompt="($VIRTUAL_ENV_PROMPT:q) $prompt:q"
endif

rehash
