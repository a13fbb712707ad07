"""The notebook of other stacks: its outputs, its further claims, and a machine without programs.

Here: `5_in_your_own_stack`, which starts nginx, Go, Java and others. `.ci/run` installs them; on a
machine without one, these tests say which. Not here: how programs are run (tests/unit/stacks).
"""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbformat import NotebookNode

from mtls_lab.common import read_facts
from mtls_lab.stacks.programs import found
from tests.authoring import canonical
from tests.notebooks.kernel import Kernel
from tests.notebooks.test_outputs import number_of_code_cells, run_nbval

pytestmark = pytest.mark.once  # the programs are the same on every Python


@pytest.fixture
def own(environment: dict[str, str]) -> dict[str, str]:
    """With the usual folder for temporary files: PostgreSQL's user cannot enter the test's own."""
    return {**environment, "TMPDIR": "/tmp"}  # noqa: S108 - PostgreSQL can enter it


@pytest.fixture
def installed() -> None:
    """Every program is there; in CI, one that is missing is a failure."""
    missing = [name for name in read_facts("stacks")["debian"] if not found(name)]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert missing == []


def codes(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.usefixtures("installed")
def test_the_outputs_hold(tmp_path: Path, learner: Path, own: dict[str, str]) -> None:
    copy = canonical.unpack(canonical.STACKS.name, learner)
    cells, said = run_nbval(tmp_path, own, copy)
    assert cells == {"passed": number_of_code_cells(copy)}, said


@pytest.fixture
def kernel(learner: Path, own: dict[str, str]) -> Iterator[Kernel]:
    canonical.unpack(canonical.STACKS.name, learner)
    with Kernel(learner, own) as kernel:
        yield kernel


#: What each answer under "What you should see" says, and the text of section 12: the words that a
#: changed file, or a changed program, leads to.
CHANGED = """
import pathlib

def exchange(path, old, new):
    text = pathlib.Path(path).read_text()
    assert old in text
    pathlib.Path(path).write_text(text.replace(old, new))

exchange("backend/app.py", "ssl_cert_reqs=ssl.CERT_REQUIRED,", "")
everything = replace(curl, name="everything that curl prints")
met = meet(uvicorn, everything, credentials=["valid", "none", "expired"])
print(1, [each.client for each in met.all])

usual = pathlib.Path("backend/nginx_site.conf").read_text()
exchange("backend/nginx_site.conf", "ssl_verify_client on;", "ssl_verify_client optional;")
exchange("backend/nginx_site.conf", "location / {",
         "location /open { return 200 'hello all'; } location / { SOME_PATHS")
met = meet(nginx, curl, behind=[application], credentials=["valid", "none"])
print("paths", [each.served for each in met.all], met["none"].client)
exchange("device/curlrc", "8443/", "8443/open")
met = meet(nginx, curl, behind=[application], credentials=["none"])
print("open", met["none"].client)
exchange("device/curlrc", "8443/open", "8443/")
pathlib.Path("backend/nginx_site.conf").write_text(usual)

exchange("backend/nginx_site.conf", "ssl_verify_client on;",
         "ssl_verify_client on; ssl_verify_depth 2;")
site = pathlib.Path("backend/nginx_site.conf").read_text()
pathlib.Path("backend/nginx_depth.conf").write_text(site.replace("client_ca.pem", "root.pem"))
print(2, [each.served for each in meet(depth, curl, behind=[application], credentials=[
    "below_upper", "below_lower"]).all])

exchange("backend/server.js", "rejectUnauthorized: true", "rejectUnauthorized: false")
names = "${peer.subject.CN} ${peer.subjectaltname}"
exchange("backend/server.js", names, "${request.socket.authorizationError}")
for each in meet(node_server, node_client).all:
    print(3, each.credential, each.served, each.client)
exchange("backend/server.js", "${request.socket.authorizationError}", names)
met = meet(node_server, node_client, credentials=["none", "valid"])
print("3 again", met["none"].server, [each.served for each in met.all])

exchange("device/with_requests.py", "requests.get(", "requests.Session().get(")
bundle = {"REQUESTS_CA_BUNDLE": "client.crt"}
variable = replace(requests, environment=bundle)
restored = "ssl_ca_certs=\\"client_ca.pem\\","
exchange("backend/app.py", restored, restored + " ssl_cert_reqs=ssl.CERT_REQUIRED,")
print(4, meet(uvicorn, variable, credentials=["valid"])["valid"].served)
exchange("device/with_requests.py", 'verify="server_ca.pem",', "")
exchange("device/with_requests.py", "response = requests.Session().get(",
         "session = requests.Session(); session.verify = 'server_ca.pem'; response = session.get(")
print(5, meet(uvicorn, variable, credentials=["valid"])["valid"].client)
print(6, meet(uvicorn, requests, credentials=["valid"])["valid"].served)
"""


#: How section 2 demands a certificate for some paths only.
SOME_PATHS = "if ($ssl_client_verify != SUCCESS) { return 403; }"

#: Every cell, but no run: only the programs are wanted.
UNRUN = """
from mtls_lab import Encounters, meet as really_meet
meet = lambda server, client, **options: Encounters(server.name, client.name, instead="unrun")
"""


@pytest.mark.usefixtures("installed")
def test_what_the_text_claims_is_seen(kernel: Kernel) -> None:
    imports, *sources = codes(canonical.read(canonical.STACKS))
    for source in (imports, UNRUN, *sources, "meet = really_meet"):
        kernel.run(source)
    threads, descriptors = kernel.footprint()
    assert any(f"`{SOME_PATHS}`" in cell.source for cell in canonical.read(canonical.STACKS).cells)
    said = kernel.run(CHANGED.replace("SOME_PATHS", SOME_PATHS))
    assert re.search(r"paths \[True, False\] \('<?.*403", said), said
    assert "open ('hello all',)" in said, said
    assert f"1 {[('Internal Server Error',)] * 3}" in said, said
    assert "2 [True, True]" in said, said
    assert said.count(" True ('hello ") == 5, said
    assert "3 expired True ('hello CERT_HAS_EXPIRED',)" in said, said
    assert "Cannot read properties of undefined (reading 'CN')" in said, said
    assert "[False, False]" in said.partition("3 again")[2], said
    assert "4 True" in said, said
    assert "CERTIFICATE_VERIFY_FAILED" in said.partition("\n5 ")[2], said
    assert "6 True" in said, said
    assert kernel.footprint() == (threads, descriptors)


def test_everybody_on_the_machine_may_call_an_application_at_its_unix_socket(
    tmp_path: Path,
) -> None:
    """uvicorn opens it to all (`Server.startup` in uvicorn/server.py): close its folder."""
    (cell,) = (code for code in codes(canonical.read(canonical.STACKS)) if 'uds="app.sock"' in code)
    (tmp_path / "behind.py").write_text(cell.partition("\n")[2])
    command = [sys.executable, "behind.py"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            assert any("running on unix socket" in line for line in process.stderr)
            assert stat.S_IMODE((tmp_path / "app.sock").stat().st_mode) == 0o666
        finally:
            process.terminate()


MISSING = """
from mtls_lab.stacks import programs
programs.found = lambda name: None
programs.find_spec = lambda name: None
"""


def test_without_any_program_each_cell_says_what_is_missing(kernel: Kernel) -> None:
    kernel.run(MISSING)
    said = "".join(kernel.run(source) for source in codes(canonical.read(canonical.STACKS)))
    kernel.run(
        "for each in (nginx_curl, grpc, mosquitto_paho, postgresql_psql, node, go, java): "
        "assert str(each).startswith('Skipped: '), each"
    )
    named = kernel.run("for each in (nginx_curl, grpc, mosquitto_paho, go, java): print(each)")
    assert "nginx and curl are missing. To install them: apt install nginx-light curl" in named
    assert 'install "grpcio"\n' in named
    assert "java, openssl, keytool and javac" in named
    assert "apt install default-jdk-headless openssl\n" in named
    assert "serves" not in said
