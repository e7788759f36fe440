"""Sex, age and site as vectors; "unknown" is a value like any other."""

import torch
from torch import Tensor, nn

from melanoma.vocabulary import SEXES, SITES

MIDDLE_AGE, AGE_SPREAD = 50.0, 25.0
"""Years that bring ages to about -2..2."""


class MetadataTokens(nn.Module):
    """A vector for each of the `fields`, out of sex, age and site."""

    def __init__(self, fields: list[str], width: int) -> None:
        super().__init__()
        words = {"sex": SEXES, "site": SITES}
        self.embed = nn.ModuleDict(
            {
                field: nn.Linear(3, width) if field == "age" else nn.Embedding(len(words[field]) + 1, width)
                for field in fields
            }
        )

    def forward(self, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Give (B, fields, width) for codes (B,), 0 = unknown, and years (B,), NaN = unknown."""
        values = {"site": site, "sex": sex, "age": _age_features(age)}
        return torch.stack([embed(values[field]) for field, embed in self.embed.items()], dim=1)

    def known(self, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Say which fields are known, (B, fields)."""
        values = {"site": site > 0, "sex": sex > 0, "age": ~age.isnan()}
        return torch.stack([values[field] for field in self.embed], dim=1)


class MetadataFeatures(nn.Module):
    """One vector (B, width) for all `fields` together."""

    def __init__(self, fields: list[str], width: int) -> None:
        super().__init__()
        self.tokens = MetadataTokens(fields, width)
        self.mix = nn.Linear(len(fields) * width, width)

    def forward(self, site: Tensor, sex: Tensor, age: Tensor) -> Tensor:
        """Take what `MetadataTokens` takes."""
        mixed: Tensor = self.mix(nn.functional.gelu(self.tokens(site, sex, age).flatten(1)))
        return nn.functional.gelu(mixed)


def drop_metadata(site: Tensor, sex: Tensor, age: Tensor, chance: float) -> tuple[Tensor, Tensor, Tensor]:
    """Make each field of each image unknown with this chance, so that a model learns to do without."""
    return (
        site.masked_fill(torch.rand(site.shape, device=site.device) < chance, 0),
        sex.masked_fill(torch.rand(sex.shape, device=sex.device) < chance, 0),
        age.masked_fill(torch.rand(age.shape, device=age.device) < chance, torch.nan),
    )


def _age_features(age: Tensor) -> Tensor:
    """Give (B, 3): whether the age is known, the scaled age, its square."""
    known = ~age.isnan()
    scaled = torch.where(known, (age - MIDDLE_AGE) / AGE_SPREAD, 0.0)
    return torch.stack([known.float(), scaled, scaled.square()], dim=1)
