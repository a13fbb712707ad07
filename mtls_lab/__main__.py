"""`python -m mtls_lab`: the command `mtls-lab`, where no such program is installed or found."""

from mtls_lab.cli import process

__all__: list[str] = []

if __name__ == "__main__":
    raise SystemExit(process())
