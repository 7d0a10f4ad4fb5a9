"""The part of the page on campaigns that tells of sets above one machine."""

from __future__ import annotations

from typing import Final

SET_ENGINES: Final = """\
## Sets above one machine

DuckDB makes the sets of a run in the process that conducts campaigns, with `campaign_memory_bytes` of memory, and what
does not fit lies on disk: ten million people take a few minutes. Where that is too little, the same steps are made by
[Daft](https://www.daft.ai) on all machines of the Ray cluster that the engine runs in. It is chosen by a setting, in
serve.yaml or as `Settings(sets={"engine": "daft"})`, and never by itself:

```yaml
settings:
  sets: {engine: daft}
```

It needs the extra `sets-cluster` on all machines (`pip install 'parcours[sets-cluster]'`, 55 MB, and 150 MB on disk),
which brings pyarrow 25 because Daft asks for that; so it is not in `all`. Without it `parcours doctor --config FILE`
and `parcours check DIR --config FILE` say so, and no engine opens. In a process without Ray, as in `parcours simulate`
or with `runtime="local"`, Daft works in threads there: on one machine it takes longer than DuckDB, so nobody gains by
that but who wants to see the same sets.

What is made by Daft are filters, dedupes, splits, unions, intersections, differences and enrichments. Tables are read
and linked, expressions evaluated and files exported where they were before. Every machine reads and the conducting
process writes the folder of the store's files, so it has to be under the same path on all of them. Daft's workers are
actors beside those of shards, one on each machine with processors and memory; they are not bound by
`campaign_memory_bytes`.

**Both make the same sets**, row by row and with the same columns: that is tested with random campaigns and with chains
of operators, in threads and on Ray. A run may begin by one engine and go on by the other. Only the bytes of the Parquet
files differ; exports do not. What would come out differently on Daft is refused:

- **A store below a folder with `*`, `?`, `[`, `]`, `{`, `}` or a backslash in its path**: the engine does not open, and
  a simulation does not begin. Daft takes these for a pattern: below `shop?` it reads the files of `shops` as well,
  without a word.
- **A table with a column that is called `*`**: as before, and `parcours check DIR --config FILE` says so. Daft takes it
  for all columns of a row, and gives another one.
- **A `sum` or `avg` of decimals that have more than 37 digits together for one person**, those behind the point
  included; DuckDB goes to 38. The run ends, and the step says why. A sum of Daft's that is too large begins again at
  the other end: twice 9 × 10^35 with two decimals is negative.
- **A `union` or `intersect` of sets with lists of other kinds under one name**, as `take: 3` gives them from a table
  with `price: integer` and from one with `price: decimal(2)`: the run ends, and the step says why. Where Daft converts
  a list to another kind of number, values that do not fit get lost without a word.

Elsewhere Daft differs too, and is told otherwise: it takes 0.0 and -0.0 for two values, adds doubles in any order, and
builds lists in any order.

**Daft reports to its makers** each import and each question, unless `DAFT_ANALYTICS_ENABLED=0` or `DO_NOT_TRACK=1` is
in the environment. Parcours sets the first in its own process before it imports Daft, and on nodes where it starts Ray.
On nodes that you start it has to be in their environment, as in the `Dockerfile` of
[a cluster](operating.md#in-a-cluster).
"""
