"""The sections of the tab 「文書の管理」: what each shows, and what its forms do. Every handler is for administrators only."""
