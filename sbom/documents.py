"""The bill of materials and the table of licences. Both depend on the parts only, so equal builds have equal documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from sbom.parts import Part


def bill(version: str, parts: Sequence[Part]) -> str:
    """CycloneDX 1.6. ``version`` is that of suno-jobs."""
    product = Component(
        name="suno-jobs",
        version=version,
        type=ComponentType.APPLICATION,
        licenses=[LicenseExpression("MIT")],
        bom_ref="suno-jobs",
    )
    components = [_component(part) for part in parts]
    made = Bom(components=components, metadata=BomMetaData(component=product), serial_number=uuid5(NAMESPACE_URL, repr(parts)))
    made.register_dependency(product, components)
    document = json.loads(JsonV1Dot6(made).output_as_string())
    del document["metadata"]["timestamp"]
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _component(part: Part) -> Component:
    url = PackageURL(part.ecosystem, None, part.name, part.version)
    return Component(
        name=part.name,
        version=part.version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=str(url),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)],
        licenses=[LicenseExpression(part.licence)],
        components=[_component(each) for each in part.contains],
    )


def licence_table(parts: Iterable[Part]) -> str:
    """Markdown. The texts of the licences are in the layer, in the folder ``dist-info`` of each distribution."""
    lines = ["| Part | Version | Licence | Part of |", "|---|---|---|---|"]
    for part in parts:
        lines.append(f"| {part.name} | {part.version} | {part.licence} | |")
        lines += [f"| {each.name} | {each.version} | {each.licence} | {part.name} |" for each in part.contains]
    return "\n".join([*lines, ""])
