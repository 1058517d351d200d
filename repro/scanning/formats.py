"""Tokens that are known by their format, wherever they stand: the mark they begin with, and the rest.

One compiled expression looks for all marks at once; only where one stands is a format tried. Every
repetition is bounded, so that no content takes more than its length to search.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repro.expressions import compiled
from repro.scanning import stand_ins
from repro.scanning.nouns import Span

# an escape, a percent sign's hex or a colour of the terminal may stand where a blank would
_BOUNDARY = rb"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=[0-9;\[]m))"

_W = r"[A-Za-z0-9_-]"
_A = r"[A-Za-z0-9]"
_TABLE = rf"""
an AWS access key            | AKIA ASIA ABIA ACCA            | [A-Z0-9]{{16}}(?!{_A})
a Google API key             | AIza                           | {_W}{{35}}(?!{_W})
a Google OAuth secret        | GOCSPX-                        | {_W}{{28}}
a Google OAuth token         | ya29.                          | {_W}{{30,2000}}
a GitHub token               | ghp_ gho_ ghu_ ghs_ ghr_       | {_A}{{36,255}}
a GitHub token               | github_pat_                    | [A-Za-z0-9_]{{50,255}}
a GitLab token               | glpat- gldt- glrt- glft- glsoat- |  {_W}{{20,1024}}
a GitLab token               | glptt- glcbt- glimt- glagent- gloas- | {_W}{{20,1024}}
a Slack token                | xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp- | {_W}{{10,400}}
a Slack webhook              | hooks.slack.com/services/      | T\w{{3,20}}/B\w{{3,20}}/{_A}{{16,64}}
a Stripe key                 | sk_live_ rk_live_ sk_test_ rk_test_ | {_A}{{16,250}}
a Stripe webhook secret      | whsec_                         | [A-Za-z0-9+/]{{24,100}}
an OpenAI or Anthropic key   | sk-       | {_A}{{32,200}}(?!{_W})
an OpenAI or Anthropic key   | sk-       | (?:proj|svcacct|admin|None|ant|or|lf)-{_W}{{24,400}}
a Hugging Face token         | hf_                            | {_A}{{30,60}}(?![A-Za-z0-9_])
a Hugging Face token         | api_org_                       | {_A}{{30,60}}
a Weights & Biases key       | wandb_v1_                      | {_W}{{40,200}}
a package index token        | pypi-AgE                       | {_W}{{50,1000}}
an npm token                 | npm_                           | {_A}{{36}}(?!{_A})
a Docker Hub token           | dckr_pat_ dckr_oat_            | {_W}{{20,100}}
a Twilio key                 | SK AC                          | [0-9a-f]{{32}}(?!{_A})
a SendGrid key               | SG.                            | {_W}{{16,32}}\.{_W}{{32,64}}
a Databricks token           | dapi                           | [0-9a-f]{{32}}(?:-\d)?(?!{_A})
a Discord webhook            | discord.com/api/webhooks/ discordapp.com/api/webhooks/ | \d{{15,21}}/{_W}{{40,100}}
a DigitalOcean token         | dop_v1_ doo_v1_ dor_v1_        | [0-9a-f]{{64}}
a Vault token                | hvs. hvb. hvr.                 | {_W}{{24,300}}
a Shopify token              | shpat_ shpca_ shppa_ shpss_    | [0-9a-fA-F]{{32}}
a Replicate token            | r8_                            | {_A}{{37,40}}(?![A-Za-z0-9_])
a Groq key                   | gsk_                           | {_A}{{40,60}}
an xAI key                   | xai-                           | {_A}{{60,100}}
a Perplexity key             | pplx-                          | {_A}{{40,60}}
a Pinecone key               | pcsk_                          | [A-Za-z0-9_]{{40,100}}
a RunPod key                 | rpa_                           | {_A}{{40,60}}
a Notion token               | ntn_                           | {_A}{{40,60}}
a Linear key                 | lin_api_                       | {_A}{{40}}
a Grafana token              | glsa_ glc_                     | [A-Za-z0-9_+/=]{{32,400}}
an Atlassian token           | ATATT3                         | [A-Za-z0-9_=-]{{100,300}}
a New Relic key              | NRAK- NRJS- NRII-              | {_A}{{19,40}}
a Sentry token               | sntrys_ sntryu_                | [A-Za-z0-9_+/=]{{40,400}}
a Doppler token              | dp.pt. dp.st. dp.ct. dp.sa.    | [A-Za-z0-9._-]{{40,80}}
a 1Password token            | ops_eyJ                        | [A-Za-z0-9+/=_-]{{200,2000}}
a Supabase token             | sbp_                           | [0-9a-f]{{40}}
a Postman key                | PMAK-                          | [0-9a-f]{{24}}-[0-9a-f]{{34}}
a Terraform token            | .atlasv1.                      | {_W}{{60,80}}
an age key                   | AGE-SECRET-KEY-1               | [A-Z0-9]{{58}}
a Square token               | sq0csp- sq0atp- EAAA           | {_W}{{43,60}}
an Alibaba access key        | LTAI                           | {_A}{{16,24}}(?!{_A})
a Neptune token              | eyJhcGlf                       | [A-Za-z0-9+/=_-]{{60,400}}
a Figma token                | figd_                          | {_W}{{40,60}}
a signed token               | eyJ         | {_W}{{10,4000}}\.eyJ{_W}{{10,8000}}\.{_W}{{10,4000}}
"""


def _rows() -> Iterator[tuple[str, bytes, bytes]]:
    for row in _TABLE.strip().splitlines():
        # a format may have the bar of an alternative in it, the first two columns have none
        kind, marks, rest = (cell.strip() for cell in row.split("|", 2))
        for mark in marks.split():
            start = re.escape(mark).encode()
            yield kind, mark.encode(), _BOUNDARY + start + rest.encode()


_FORMATS: dict[bytes, list[tuple[str, bytes]]] = {}
for _kind, _mark, _form in _rows():
    _FORMATS.setdefault(_mark, []).append((_kind, _form))


def marks() -> tuple[bytes, ...]:
    """What the tokens begin with."""
    return tuple(_FORMATS)


def at(content: bytes, position: int, mark: bytes) -> Iterator[Span]:
    """The tokens that begin with this mark, at the position where it stands."""
    for kind, form in _FORMATS.get(mark, ()):
        match = compiled(form).match(content, position)
        if match and _is_real(match[0][len(mark) :].decode("latin-1")):
            yield Span(match.start(), match.end(), kind)


def _is_real(rest: str) -> bool:
    return stand_ins.is_drawn(rest, 6) and not stand_ins.is_filled_in(rest)
