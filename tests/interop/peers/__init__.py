"""Servers of many stacks, with the certificates that each fault needs. No test is here."""
