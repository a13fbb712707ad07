"""All panels in one page, opened once for all tests of this folder."""
