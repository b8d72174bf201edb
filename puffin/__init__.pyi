from puffin.library import CommandFailed as CommandFailed
from puffin.library import EnvironmentRequest as EnvironmentRequest
from puffin.library import PackageChange as PackageChange
from puffin.library import SyncedEnvironment as SyncedEnvironment
from puffin.library import SyncResult as SyncResult
from puffin.library import plan as plan
from puffin.library import resolve as resolve
from puffin.library import sync as sync

__version__: str
