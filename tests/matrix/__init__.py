"""The core of the tests on every system, Python and OpenSSL that people have: `make matrix`."""
