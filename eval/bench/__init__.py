"""Measurements for developers: fitting and comparing on development sets, speed, peers."""
