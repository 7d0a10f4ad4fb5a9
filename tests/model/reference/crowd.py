"""Who is there, and under which names? A name is a person's own, or a forwarding address to who has taken her in."""

from dataclasses import dataclass, field

from tests.model.reference.people import Person
from tests.model.reference.worlds import Life


@dataclass
class Crowd:
    life: Life
    people: dict[str, Person] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)  # of each forwarding address
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # the runs that somebody had when she was merged
    gone: list[Person] = field(default_factory=list)

    def called(self, name: str) -> Person:
        """The person with this name: nobody knew of her before, if nothing was written under it."""
        owner = self.owner.get(name, name)
        return self.people.setdefault(owner, Person(self.life.worlds[-1], owner))

    def knows(self, name: str) -> bool:
        """Whether there is a person of this name, or was."""
        person = self.people.get(name)
        return name in self.owner or (person is not None and (person.known or person.identified or person.shared))

    def take_away(self, name: str, into: Person) -> Person:
        """Somebody who is merged into another; the name becomes a forwarding address, and is the other's."""
        person = self.people.pop(name, None) or Person(self.life.worlds[-1], name)
        person.is_there = False
        self.gone.append(person)
        self.counts[name] = dict(person.counts)
        self.owner[name] = into.id
        into.names.append(name)
        return person

    def cut_loose(self, name: str) -> None:
        """Makes a name that of a person again: of whom nothing is known, and whose runs are counted on."""
        self.people[self.owner.pop(name)].names.remove(name)
        counts = self.counts.pop(name)
        person = Person(self.life.worlds[-1], name, shared=True, counts=counts, counts_before=dict(counts))
        self.people[name] = person

    def everybody(self) -> list[Person]:
        return [*self.gone, *self.people.values()]
