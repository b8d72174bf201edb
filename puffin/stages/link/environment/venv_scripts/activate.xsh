# Use it from xonsh with: source bin/activate.xsh


def _puffin_activate(aliases):
    import os

    root = @@ROOT@@
    bin_directory = os.path.join(root, @@BIN@@)
    ${...}["VIRTUAL_ENV"] = root
    ${...}["VIRTUAL_ENV_PROMPT"] = @@PROMPT@@
    $PATH.insert(0, bin_directory)
    old_home = ${...}.get("PYTHONHOME")
    if old_home is not None:
        del ${...}["PYTHONHOME"]

    def deactivate(args, stdin=None):
        for name in ("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT"):
            if name in ${...}:
                del ${...}[name]
        while bin_directory in $PATH:
            $PATH.remove(bin_directory)
        if old_home is not None:
            ${...}["PYTHONHOME"] = old_home
        aliases.pop("deactivate", None)

    aliases["deactivate"] = deactivate


if "deactivate" in aliases:
    deactivate
_puffin_activate(aliases)
del _puffin_activate
