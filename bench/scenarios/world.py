"""A catalog: features with their components, and what they share, in chains of a depth from one to four."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

FEATURES = (
    "search-answers", "support-reply", "doc-summary", "sales-coach", "code-helper", "meeting-notes", "translation",
    "product-finder", "contract-check", "travel-planner", "onboarding-guide", "ticket-triage", "voice-agent",
    "news-digest",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A component; `feature` is "" for a shared one."""

    slug: str
    kind: str
    feature: str = ""


@dataclass
class World:
    """Parts by slug, and which part needs which: `needs[consumer]` lists providers."""

    parts: dict[str, Part] = field(default_factory=dict)
    needs: dict[str, list[str]] = field(default_factory=dict)
    features: list[str] = field(default_factory=list)

    def add(self, slug: str, kind: str, feature: str = "") -> str:
        """A new part; returns its slug."""
        self.parts[slug] = Part(slug, kind, feature)
        self.needs.setdefault(slug, [])
        return slug

    def connect(self, consumer: str, *providers: str) -> None:
        """`consumer` needs `providers`."""
        self.needs[consumer] += [one for one in providers if one not in self.needs[consumer]]

    def reach(self, slug: str) -> dict[str, int]:
        """The features that feel a part, with the number of steps."""
        steps, waiting = {slug: 0}, [slug]
        while waiting:
            one = waiting.pop(0)
            for consumer, providers in self.needs.items():
                if one in providers and consumer not in steps:
                    steps[consumer] = steps[one] + 1
                    waiting.append(consumer)
        found: dict[str, int] = {}
        for part, distance in steps.items():
            feature = self.parts[part].feature
            if feature:
                found[feature] = min(distance, found.get(feature, distance))
        return found


def make_world(random: Random) -> World:
    """From 3 to 14 features over shared providers, models, gateways, indexes and their pipelines."""
    world = World()
    depth = random.randint(1, 4)
    providers = [world.add(f"provider-{n}", "provider") for n in range(random.randint(1, 3))]
    models = [world.add(f"model-{n}", "model") for n in range(random.randint(1, 4))]
    gateways = [world.add(f"gateway-{n}", "gateway") for n in range(random.randint(1, 2))]
    stores = [world.add(f"store-{n}", "datastore") for n in range(random.randint(1, 2))]
    indexes = []
    for n in range(random.randint(1, 4)):
        index, pipeline = world.add(f"index-{n}", "index"), world.add(f"pipeline-index-{n}", "pipeline")
        world.connect(index, pipeline)
        if depth > 2:
            world.connect(pipeline, random.choice(stores))
        indexes.append(index)
    for model in models:
        world.connect(model, random.choice(providers))
    for gateway in gateways:
        world.connect(gateway, *random.sample(models, random.randint(1, len(models))))
    world.features = random.sample(FEATURES, random.randint(3, len(FEATURES)))
    for name in world.features:
        _add_feature(world, name, random, depth, models=models, gateways=gateways, indexes=indexes)
    return world


def _add_feature(
    world: World, name: str, random: Random, depth: int, *, models: list[str], gateways: list[str], indexes: list[str]
) -> None:
    service = world.add(f"{name}-api", "service", name)
    for n in range(random.randint(1, 2)):
        world.connect(service, world.add(f"{name}-prompt-{n}" if n else f"{name}-prompt", "prompt", name))
    world.connect(service, random.choice(gateways) if depth > 1 else random.choice(models))
    if random.random() < 0.75:
        world.connect(service, random.choice(indexes))
    if random.random() < 0.4:
        world.connect(service, world.add(f"{name}-cache", "cache", name))
    if random.random() < 0.35:
        world.connect(service, world.add(f"{name}-pipeline", "pipeline", name))
    if random.random() < 0.25:
        world.connect(service, world.add(f"{name}-model", "model", name))
    if depth > 3:
        world.connect(world.add(f"{name}-app", "client_app", name), service)
