@if exist "%~dp0python.exe" ("%~dp0python.exe" -m puffin %*) else "%~dp0..\python.exe" -m puffin %*
