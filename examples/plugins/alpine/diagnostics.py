"""What there is to say of an OPKG, each thing once: packages share what it is about."""

from wit_world.imports import model


class Diagnostics:
    def __init__(self):
        self.found = []

    def say(self, severity, at, message, help):
        diagnostic = model.Diagnostic(severity, at, message, help)
        if diagnostic not in self.found:
            self.found.append(diagnostic)

    def error(self, at, message, help):
        self.say(model.Severity.ERROR, at, message, help)

    def warning(self, at, message, help):
        self.say(model.Severity.WARNING, at, message, help)

    def note(self, at, message):
        self.say(model.Severity.NOTE, at, message, None)
