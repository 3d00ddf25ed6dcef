"""The rules of the design as functions of the rows before and after a step, each with its name."""

from collections.abc import Callable, Iterator


class BrokenRuleError(AssertionError):
    """A rule does not hold any more."""


#: Every rule answers sentences about what is wrong, none when all is well.
Rule = Callable[..., Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    """Puts a function among the rules that are asked after every step."""

    def remember(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return remember


def broken(name: str, *about: object) -> None:
    """Says that a rule was broken, and by what."""
    raise BrokenRuleError(f"{name}: {' '.join(str(one) for one in about)}")


def ask_all(was, now, world) -> None:
    """Raises BrokenRuleError with the first rule that does not hold."""
    for name, function in RULES.items():
        for sentence in function(was, now, world):
            broken(name, sentence)
