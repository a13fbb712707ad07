"""What every other folder needs, whether it knows of TLS or not.

Here: the errors that a person reads, foreign text made harmless, files read with limits and
written whole, folders for a moment, the facts in data/, and how `mtls-lab` is typed. Not here:
anything that knows of a certificate, a connection, a notebook or a page.
"""

from mtls_lab.common.errors import (
    FileProblem,
    LabError,
    NetworkProblem,
    NotInWorkspace,
    ProtectionBroken,
    TamperFailed,
    ToolMissing,
    UnknownName,
    expect_function,
    expect_number,
    expect_text,
    expect_written,
    folder_gone,
    kind_of,
    why_of,
)
from mtls_lab.common.facts import (
    read_facts,
    resource_folder,
)
from mtls_lab.common.files import (
    Password,
    PathLike,
    append_line,
    irregular,
    missing,
    private_folder,
    read_file,
    read_json,
    write_file,
    writing,
)
from mtls_lab.common.program import (
    coloured,
    columns,
    installing,
    package_path,
    python,
    scripts,
    typed,
)
from mtls_lab.common.scratch import (
    scratch_folder,
    sweep,
)
from mtls_lab.common.text import (
    Shown,
    host_and_port,
    json_text,
    printable,
)

__all__ = [
    "FileProblem",
    "LabError",
    "NetworkProblem",
    "NotInWorkspace",
    "Password",
    "PathLike",
    "ProtectionBroken",
    "Shown",
    "TamperFailed",
    "ToolMissing",
    "UnknownName",
    "append_line",
    "coloured",
    "columns",
    "expect_function",
    "expect_number",
    "expect_text",
    "expect_written",
    "folder_gone",
    "host_and_port",
    "installing",
    "irregular",
    "json_text",
    "kind_of",
    "missing",
    "package_path",
    "printable",
    "private_folder",
    "python",
    "read_facts",
    "read_file",
    "read_json",
    "resource_folder",
    "scratch_folder",
    "scripts",
    "sweep",
    "typed",
    "why_of",
    "write_file",
    "writing",
]
