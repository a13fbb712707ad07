"""The notebooks: run as a learner runs them, compared with what is committed, run again."""
