@echo off
rem Use it from the Windows command prompt with: Scripts\activate.bat
rem The file is UTF-8: the code page must be too while it is read.
for /f "tokens=2 delims=:." %%a in ('"%SystemRoot%\System32\chcp.com"') do set "_PUFFIN_OLD_CODEPAGE=%%a"
if defined _PUFFIN_OLD_CODEPAGE "%SystemRoot%\System32\chcp.com" 65001 > nul

if defined _PUFFIN_OLD_PROMPT set "PROMPT=%_PUFFIN_OLD_PROMPT%"
if defined _PUFFIN_OLD_PATH set "PATH=%_PUFFIN_OLD_PATH%"

@@ROOT@@
set "VIRTUAL_ENV_PROMPT=@@PROMPT@@"

if not defined PROMPT set "PROMPT=$P$G"
set "_PUFFIN_OLD_PROMPT=%PROMPT%"
if not defined VIRTUAL_ENV_DISABLE_PROMPT set "PROMPT=(%VIRTUAL_ENV_PROMPT%) %PROMPT%"

if defined PYTHONHOME set "_PUFFIN_OLD_PYTHONHOME=%PYTHONHOME%"
set PYTHONHOME=

set "_PUFFIN_OLD_PATH=%PATH%"
set "PATH=%VIRTUAL_ENV%\@@BIN@@;%PATH%"

if defined _PUFFIN_OLD_CODEPAGE "%SystemRoot%\System32\chcp.com" %_PUFFIN_OLD_CODEPAGE% > nul
set _PUFFIN_OLD_CODEPAGE=
@echo on
