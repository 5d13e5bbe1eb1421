"""Who uses しるべ: users and their roles, sessions, lock-out, single sign-on, and the audit log.

`opening.open_gate(settings)` returns the one object that doors ask who stands before them; `user.require` says what he may do.
"""
