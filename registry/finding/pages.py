"""One page of a result: a list by region, or institutions ranked by name and, after them, whatever else fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy as sa

from registry.finding import people
from registry.finding.filters import Choice, chosen_by, named_by
from registry.finding.result import Cursor, Found
from registry.identifiers import validate_code
from registry.model import Institution, Struct
from registry.records import read
from registry.records.asof import AsOf
from registry.records.chosen import Filter, chosen_of, count
from registry.records.chosen import page as page_of
from registry.search import fts5, plan, rank
from registry.search.contract import Engine, Expression, Hit, MatchKind, Reading, SearchQuery, Understood
from registry.search.find import Searched, of_kind, search
from registry.search.plan import Effort
from registry.tables import versions
from registry.techniques import LAWFUL_STAGES, TECHNIQUES, TechniqueCode
from registry.text import fold

#: Up to this cost a name holds what was written, as a whole or in a row.
_AS_WRITTEN = 3.9
#: Up to this cost a name is just what was written.
_IS_THE_NAME = 1.0
#: Hits that cost no more than this beyond the best are as good as it.
_AS_GOOD = 0.5


#: Whether the people of an institution, by its code, may be looked at.
MayLook = Callable[[str], bool]


def allow_every_look(_code: str) -> bool:
    """No limit: for staff and the shell."""
    return True


class Page(Struct, frozen=True):
    """Some institutions of a result; ``chosen`` is the filter that chooses all of them, for counting."""

    items: list[Found]
    total: int
    following: Cursor | None
    chosen: Filter
    at_least: bool = False
    understood: tuple[Understood, ...] = ()
    similar: bool = False
    did_you_mean: str | None = None


class Asked(Struct, frozen=True):
    """One request: what is asked of which snapshot, from where in the result on, and by which engine."""

    connection: sa.Connection
    choice: Choice
    asof: AsOf
    position: Cursor
    limit: int
    engine: Engine
    effort: Effort = plan.EVERYTHING
    may_look: MayLook = allow_every_look

    def page(self, query: SearchQuery) -> Page:
        """The listing a question is, or the institutions whose names it means, or the other when there are none."""
        if not query.readings:
            nothing = Page(items=[], total=0, following=None, chosen=chosen_by(self.choice))
            return nothing if query.means_nothing else self.listed(query.listing or Reading())
        listed = self.listed(query.listing) if query.listing and query.listing_first else None
        if listed is not None and listed.total and not query.may_be_a_name:
            return listed
        searched = search(self.engine, query, self.effort)
        if listed is not None and searched.best >= _IS_THE_NAME:
            return listed  # nobody there approved is an answer too, and no hospital with the place's name
        named = self.named(searched) if searched.best < _AS_WRITTEN or query.listing is None else None
        if named is not None and named.total and not named.similar:
            return named
        if query.listing is not None and (listed := listed or self.listed(query.listing)).total:
            return listed
        found = self.people(query) if searched.best >= rank.WEAK else None
        return found or named or self.named(searched)

    # --- lists -------------------------------------------------------------------------------------------------------

    def listed(self, reading: Reading) -> Page:
        """Every institution that filters choose, by region; of a kind that only names tell, those whose names do."""
        if reading.categories:
            return self.ranked(of_kind(self.engine, reading), reading)
        chosen = chosen_by(self.choice, reading)
        keys = page_of(self.connection, chosen, self.asof, self.limit + 1, self.position.after)
        why: MatchKind = "technique" if chosen.techniques or chosen.stage else "filter"
        return Page(
            items=self._found([(subject, why, "") for _, subject in keys[: self.limit]], chosen.techniques),
            total=count(self.connection, chosen, self.asof),
            following=Cursor(size=self.asof.size, after=keys[self.limit - 1]) if len(keys) > self.limit else None,
            chosen=chosen,
            understood=reading.understood,
        )

    # --- names -------------------------------------------------------------------------------------------------------

    def named(self, searched: Searched) -> Page:
        """The institutions whose names fit, best first."""
        page = self.ranked(searched, searched.hits[0].reading if searched.hits else Reading())
        if not page.items or searched.best < rank.WEAK:
            return page
        meant = searched.best < rank.WEAK + rank.SLIP and self.position == Cursor(size=self.asof.size)
        first = page.items[0].institution
        return msgspec.structs.replace(
            page, similar=True, did_you_mean=_printed(first, searched.hits[0].fitted) if meant else None
        )

    def ranked(self, searched: Searched, reading: Reading) -> Page:
        """A page of hits; once they are all shown, of what fits besides and was too much to be ranked."""
        chosen = named_by(self.choice)
        standing = chosen_of(self.connection, _of(chosen, searched.hits), self.asof) if searched.hits else set()
        hits = [hit for hit in searched.hits if hit.subject in standing]
        hits, chosen = self._holding(hits, chosen, reading)
        offset, beyond = self.position.offset, self.position.beyond
        wanted = hits[offset : offset + self.limit] if beyond is None else []
        following = Cursor(size=self.asof.size, offset=offset + len(wanted))
        page = Page(
            items=self._found([(hit.subject, hit.match, hit.fitted) for hit in wanted], reading.techniques),
            total=len(hits),
            following=following if beyond is None and following.offset < len(hits) else None,
            chosen=_of(chosen, hits),
            understood=reading.understood,
        )
        return self._and_more(page, searched, chosen, reading) if searched.more is not None else page

    def _and_more(self, page: Page, searched: Searched, chosen: Filter, reading: Reading) -> Page:
        """The page filled up with what fits besides the ranked hits, in the order it was recorded."""
        assert searched.more is not None  # noqa: S101 - asked by the caller
        first = self.connection.execute(self._rest(searched.more, searched.judged, chosen).limit(1)).first()
        if first is None:
            return page
        everything = fts5.subjects(self.connection, searched.more)
        page = msgspec.structs.replace(page, at_least=True, chosen=msgspec.structs.replace(chosen, subjects=everything))
        if page.following is not None:
            return page
        room, after = self.limit - len(page.items), self.position.beyond or 0
        if not room:
            return msgspec.structs.replace(page, following=Cursor(size=self.asof.size, beyond=after))
        rows = self.connection.execute(self._rest(searched.more, searched.judged, chosen, after).limit(room + 1)).all()
        why: MatchKind = "name" if reading.text else "pinyin" if reading.ways else "initials"
        found = self._found([(subject, why, "") for _, subject in rows[:room]], reading.techniques)
        following = Cursor(size=self.asof.size, beyond=rows[room - 1][0]) if len(rows) > room else None
        return msgspec.structs.replace(page, items=[*page.items, *found], following=following)

    def _rest(self, more: Expression, judged: frozenset[str], chosen: Filter, after: int = 0) -> sa.Select[int, str]:
        documents = fts5.matching(self.connection, more).subquery()
        return (
            sa.select(documents.c.id, versions.c.subject)
            .join(versions, versions.c.subject == documents.c.subject)
            .where(chosen.where(self.asof, subjects_given=True), documents.c.id > after)
            .where(versions.c.subject.not_in(sorted(judged)))
            .order_by(documents.c.id)
        )

    def _holding(self, hits: list[Hit], chosen: Filter, reading: Reading) -> tuple[list[Hit], Filter]:
        """Only those with the technique and stage a question names beside a name; all, when the best has them not.

        Whoever asks 某医院 三代试管 must see that hospital, and that it is not approved for this.
        """
        if not hits or not (reading.techniques or reading.stage):
            return hits, chosen
        wanted = msgspec.structs.replace(chosen, techniques=reading.techniques, stage=reading.stage)
        holding = chosen_of(self.connection, _of(wanted, hits), self.asof)
        if any(hit.subject in holding for hit in hits if hit.cost <= hits[0].cost + _AS_GOOD):
            return [hit for hit in hits if hit.subject in holding], wanted
        return hits, chosen

    def people(self, query: SearchQuery) -> Page | None:
        """Institutions with the authorised people of theirs whom a question names beside them; never people alone."""
        if not read.has_practitioners(self.connection):
            return None
        for reading, person in people.splits(query):
            searched = search(self.engine, SearchQuery(raw=query.raw, readings=(reading,)))
            if searched.best >= _AS_WRITTEN or len(searched.hits) > people.INSTITUTIONS:
                continue
            page = self.ranked(searched, reading)
            items = [named for item in page.items if (named := self._with(item, person)) is not None]
            if items:
                return msgspec.structs.replace(page, items=items, total=len(items), following=None)
        return None

    def _with(self, item: Found, person: str) -> Found | None:
        working = read.practitioners(self.connection, item.institution.code, self.asof)
        if working and not self.may_look(item.institution.code):
            return None
        meant = tuple(one for one in working if one.name and fold(one.name) == person)
        return msgspec.structs.replace(item, practitioners=meant) if meant else None

    def _found(self, wanted: list[tuple[str, MatchKind, str]], techniques: Sequence[str]) -> list[Found]:
        why = {subject: (match, fitted) for subject, match, fitted in wanted}
        found = []
        for one in read.institutions_by_subject(self.connection, list(why), self.asof):
            match, fitted = why[read.subject_of(validate_code(one.code))]
            printed = _printed(one, fitted)
            lacks = tuple(t.code for t in TECHNIQUES if t.code in techniques and not _offers(one, t.code))
            found.append(Found(one, match, by=printed if printed != one.name else None, lacks=lacks))
        return found


def _offers(one: Institution, technique: TechniqueCode) -> bool:
    return any(a.technique == technique and a.stage in LAWFUL_STAGES for a in one.approvals)


def _of(chosen: Filter, hits: list[Hit]) -> Filter:
    return msgspec.structs.replace(chosen, subjects=tuple(hit.subject for hit in hits))


def _printed(one: Institution, fitted: str) -> str:
    """The name of an institution that was meant, as it is printed."""
    names = (one.name, *one.aliases, *one.known_as, *(former.name for former in one.former_names))
    return next((name for name in names if fold(name) == fitted), one.name)
