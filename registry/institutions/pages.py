"""One page of a result: a list by region, or institutions ranked by name and, after them, whatever else fits."""

from collections.abc import Callable, Sequence

import msgspec
import sqlalchemy as sa

from registry.domain.identifiers import parse_code
from registry.domain.model import Institution, Struct
from registry.domain.name_alignment import WEAK, is_common, is_formal
from registry.domain.normalise import fold_text
from registry.domain.techniques import TECHNIQUES
from registry.institutions.result import (
    Cursor,
    InstitutionHit,
    SearchRequest,
    SearchState,
    make_filter,
    make_name_filter,
)
from registry.institutions.text_search import LONGEST_QUESTION, FindNames, WrittenName, find_in_text
from registry.records import lookup
from registry.records.asof import AsOf
from registry.records.selection import InstitutionFilter, count_institutions, list_institutions, select_subjects
from registry.search import embedded_engine, fetch_plan, ranking
from registry.search.engine import Engine, Expression
from registry.search.fetch_plan import Effort
from registry.search.filter_readings import find_filters
from registry.search.query import PEOPLE_INSTITUTIONS, prepare_text, split_off_person
from registry.search.readings import Hit, MatchKind, QueryReading, SearchQuery, Understood
from registry.search.stages import RankedHits, search_by_category, search_documents
from registry.storage.tables import standings

#: Up to this cost a name is just what was written.
_IS_THE_NAME = 1.0
#: Up to this cost a name is more likely meant than the hospitals of a place which has it in its name.
_IS_SURELY_A_NAME = 3.5
#: Matches by which nobody in particular can have been meant.
_NOT_MEANT = ("similar", "address", "filter")
#: Hits that cost no more than this beyond the best are as good as it.
_AS_GOOD = 0.5


#: Whether the people of an institution, by its code, may be looked at.
MayLook = Callable[[str], bool]


def allow_every_look(_code: str) -> bool:
    """Allow every look: for staff and the shell."""
    return True


def find_no_names(_text: str) -> list[WrittenName]:
    """Find no name: for a register that is not followed."""
    return []


#: Finds the codes of the listed institutions that bear a name of a record that has ended, by its compact code.
FindSuccessors = Callable[[str], list[str]]


def find_no_successors(_code: str) -> list[str]:
    """Find nobody: for a register that is not followed."""
    return []


class ResultPage(Struct, frozen=True):
    """Some institutions of a result; ``narrowing`` is the filter that chooses all of them, for counting."""

    items: list[InstitutionHit]
    total: int
    following: Cursor | None
    narrowing: InstitutionFilter
    at_least: bool = False
    understood: tuple[Understood, ...] = ()
    state: SearchState = "found"
    name_read: str | None = None
    not_understood: tuple[str, ...] = ()
    in_text: bool = False
    elsewhere: str | None = None
    did_you_mean: str | None = None


class PageSearch(Struct, frozen=True):
    """One request: the question, the snapshot it is asked of, the position in the result, and the engine."""

    connection: sa.Connection
    choice: SearchRequest
    asof: AsOf
    position: Cursor
    limit: int
    engine: Engine
    effort: Effort = fetch_plan.AT_ONCE
    may_look: MayLook = allow_every_look
    find_names: FindNames = find_no_names
    find_successors: FindSuccessors = find_no_successors

    def build_page(self, query: SearchQuery) -> ResultPage:
        """Build the page of a question: before records that have ended stand those who go on for them."""
        page = self._build_page(query)
        if self.choice.status is not None or self.position != Cursor(size=self.asof.size):
            return page
        hits = {item.institution.code: item for item in page.items}
        items: dict[str, InstitutionHit] = {}
        for code, item in hits.items():
            if item.institution.status == "delisted":
                codes = self.find_successors(parse_code(code))
                for one in self._load_hits([(lookup.to_subject(code), "similar", "") for code in codes], ()):
                    items.setdefault(one.institution.code, hits.get(one.institution.code, one))
            items.setdefault(code, item)
        return msgspec.structs.replace(page, items=list(items.values()), total=page.total + len(items) - len(hits))

    def _build_page(self, query: SearchQuery) -> ResultPage:
        """Build the listing a question is, or the institutions it names; else those named in it; else near ones.

        Nobody is said to be on no list unless a name was read whole.
        """
        if not query.readings:
            narrowing = make_filter(self.choice)
            nothing = ResultPage(items=[], total=0, following=None, narrowing=narrowing, state="not_understood")
            return nothing if query.is_meaningless else self.make_list_page(query.listing or QueryReading())
        listing = None if query.is_name else query.listing
        is_typing = not self.effort.alike  # what is typed on must not change the order of what fits
        is_list = query.listing_first and not (query.may_be_a_name or is_typing)
        if listing is not None and is_list and (page := self.make_list_page(listing)).total:
            return page
        searched = search_documents(self.engine, query, self.effort)
        if listing is not None and (listed := self._find_list_meant(query, listing, searched)):
            return listed
        if searched.hits and (ranking.is_named(searched.hits[0]) or self._is_address_meant(query, searched)):
            is_list = searched.best_cost >= _IS_THE_NAME and is_common(query.readings[0].whole)
            return self.make_name_page(searched, "not_understood" if is_list else "found", query)
        return self._make_other_page(query, searched)

    def _find_list_meant(self, query: SearchQuery, listing: QueryReading, searched: RankedHits) -> ResultPage | None:
        """List the hospitals of a place if these are meant rather than one which has the place in its name.

        That nobody there is approved is an answer too.
        """
        is_answer = query.listing_first  # even an empty list
        if searched.hits and ranking.is_named(searched.hits[0]):
            limit = _IS_THE_NAME if query.listing_first else WEAK if query.has_name else _IS_SURELY_A_NAME
            if searched.best_cost < limit or not self.effort.alike:
                return None
            is_answer = bool(listing.techniques)
        listed = self.make_list_page(listing)
        return listed if listed.total or is_answer else None

    def _is_address_meant(self, query: SearchQuery, searched: RankedHits) -> bool:
        return searched.best_cost < WEAK and not query.is_name

    def _make_other_page(self, query: SearchQuery, searched: RankedHits) -> ResultPage:
        """Build the page of a question that names nobody as a whole: of people, of names in it, of near names."""
        people = None if query.is_name else self.find_people_page(query)
        if people is not None:
            return people
        is_slip = bool(searched.hits) and searched.hits[0].match == "typo"
        # beside a slip, and where a name was read whole, a word of somebody's own means nobody
        text_page = self.find_text_page(query, self.effort.alike and not is_slip and not _is_name_read(query))
        is_elsewhere = text_page is not None and text_page.elsewhere is not None and text_page.total == 1
        if text_page is not None and (text_page.state == "found" or is_elsewhere or not is_slip):
            return text_page
        is_guess = self.effort.alike and not is_slip
        return (self._find_list_within(query) if is_guess else None) or self.make_near_page(searched, query)

    def _find_list_within(self, query: SearchQuery) -> ResultPage | None:
        """List the institutions of the places a sentence names; with words that were not read, only perhaps meant."""
        is_bare = bool(query.readings[0].english) and not query.is_sentence
        reading, unread = find_filters(query.raw, prepare_text(query.raw))
        if reading is None or query.is_name or is_bare or any(is_formal(word) for word in unread):
            return None
        page = self.make_list_page(reading)
        if unread and not page.total:
            return None
        return msgspec.structs.replace(page, state="not_understood" if unread else "found", not_understood=unread)

    def make_near_page(self, searched: RankedHits, query: SearchQuery) -> ResultPage:
        """List those with names like it, or else those of the place; as not understood unless a name was read whole."""
        whole = query.readings[0].whole
        state: SearchState = "near" if _is_name_read(query) and not is_common(whole) else "not_understood"
        page = self.make_name_page(searched, state, query)
        if not page.total and query.listing is not None and query.is_name:
            page = msgspec.structs.replace(self.make_list_page(query.listing), state=state, name_read=query.raw.strip())
        if state == "not_understood" and not page.not_understood:
            page = msgspec.structs.replace(page, not_understood=(query.raw.strip(),))
        return page

    def find_text_page(self, query: SearchQuery, may_guess: bool) -> ResultPage | None:
        """Find the institutions named somewhere in what was typed."""
        if query.readings[0].english and not query.is_sentence:
            return None
        finding = find_in_text(
            self.engine, self.choice.q, self.find_names, self.effort, is_name=query.is_name, may_guess=may_guess
        )
        if finding is None:
            return None
        page = self.make_ranked_page(RankedHits(hits=finding.hits), QueryReading())
        return msgspec.structs.replace(
            page,
            state="near" if finding.elsewhere else "found" if finding.is_certain else "not_understood",
            name_read=query.raw.strip() if finding.elsewhere else None,
            not_understood=finding.not_understood,
            elsewhere=finding.elsewhere,
            in_text=len(finding.hits) > 1 or len(self.choice.q) > LONGEST_QUESTION,
        )

    # --- lists -------------------------------------------------------------------------------------------------------

    def make_list_page(self, reading: QueryReading) -> ResultPage:
        """List every institution that filters choose, by region; of a kind that only names tell, by names."""
        if reading.categories:
            return self.make_ranked_page(search_by_category(self.engine, reading), reading)
        narrowing = make_filter(self.choice, reading)
        keys = list_institutions(self.connection, narrowing, self.asof, self.limit + 1, self.position.after)
        reason: MatchKind = "technique" if narrowing.techniques or narrowing.stage else "filter"
        return ResultPage(
            items=self._load_hits([(subject, reason, "") for _, subject in keys[: self.limit]], narrowing.techniques),
            total=count_institutions(self.connection, narrowing, self.asof),
            following=Cursor(size=self.asof.size, after=keys[self.limit - 1]) if len(keys) > self.limit else None,
            narrowing=narrowing,
            understood=reading.understood,
        )

    # --- names -------------------------------------------------------------------------------------------------------

    def make_name_page(self, searched: RankedHits, state: SearchState, query: SearchQuery) -> ResultPage:
        """List the institutions whose names fit, best first, or are near."""
        page = self.make_ranked_page(searched, searched.hits[0].reading if searched.hits else QueryReading())
        page = msgspec.structs.replace(page, state=state, name_read=query.raw.strip())
        is_slip = WEAK <= searched.best_cost < WEAK + ranking.SLIP and searched.hits[0].match not in _NOT_MEANT
        if state == "found" or not page.items or not is_slip or self.position != Cursor(size=self.asof.size):
            return page
        meant = _select_printed_name(page.items[0].institution, searched.hits[0].fitted)
        return msgspec.structs.replace(page, did_you_mean=meant)

    def make_ranked_page(self, searched: RankedHits, reading: QueryReading) -> ResultPage:
        """Make a page of hits; once they are all shown, of what fits besides and was too much to be ranked."""
        narrowing = make_name_filter(self.choice)
        chosen = (
            select_subjects(self.connection, _limit_to_hits(narrowing, searched.hits), self.asof)
            if searched.hits
            else set()
        )
        hits = [hit for hit in searched.hits if hit.subject in chosen]
        hits, narrowing = self._narrow_to_technique(hits, narrowing, reading)
        offset, beyond = self.position.offset, self.position.beyond
        shown = hits[offset : offset + self.limit] if beyond is None else []
        following = Cursor(size=self.asof.size, offset=offset + len(shown))
        page = ResultPage(
            items=self._load_hits([(hit.subject, hit.match, hit.fitted) for hit in shown], reading.techniques),
            total=len(hits),
            following=following if beyond is None and following.offset < len(hits) else None,
            narrowing=_limit_to_hits(narrowing, hits),
            understood=reading.understood,
        )
        return self._fill_page(page, searched, narrowing, reading) if searched.overflow is not None else page

    def _fill_page(
        self, page: ResultPage, searched: RankedHits, narrowing: InstitutionFilter, reading: QueryReading
    ) -> ResultPage:
        """Fill up the page with what fits besides the ranked hits, in the order it was recorded."""
        assert searched.overflow is not None  # noqa: S101 - asked by the caller
        first = self.connection.execute(
            self._select_unranked(searched.overflow, searched.ranked, narrowing).limit(1)
        ).first()
        if first is None:
            return page
        everything = embedded_engine.select_subjects(self.connection, searched.overflow)
        page = msgspec.structs.replace(
            page, at_least=True, narrowing=msgspec.structs.replace(narrowing, subjects=everything)
        )
        if page.following is not None:
            return page
        remaining, after = self.limit - len(page.items), self.position.beyond or 0
        if not remaining:
            return msgspec.structs.replace(page, following=Cursor(size=self.asof.size, beyond=after))
        rows = self.connection.execute(
            self._select_unranked(searched.overflow, searched.ranked, narrowing, after).limit(remaining + 1)
        ).all()
        reason: MatchKind = "name" if reading.text else "pinyin" if reading.ways else "initials"
        items = self._load_hits([(subject, reason, "") for _, subject in rows[:remaining]], reading.techniques)
        following = Cursor(size=self.asof.size, beyond=rows[remaining - 1][0]) if len(rows) > remaining else None
        return msgspec.structs.replace(page, items=[*page.items, *items], following=following)

    def _select_unranked(
        self, overflow: Expression, ranked: frozenset[str], narrowing: InstitutionFilter, after: int = 0
    ) -> sa.Select[int, str]:
        documents = embedded_engine.select_matches(self.connection, overflow).subquery()
        return (
            sa.select(documents.c.id, standings.c.subject)
            .join(standings, standings.c.subject == documents.c.subject)
            .where(narrowing.make_condition(self.asof), documents.c.id > after)
            .where(standings.c.subject.not_in(sorted(ranked)))
            .order_by(documents.c.id)
        )

    def _narrow_to_technique(
        self, hits: list[Hit], narrowing: InstitutionFilter, reading: QueryReading
    ) -> tuple[list[Hit], InstitutionFilter]:
        """Narrow to those with the technique and stage a question names beside a name; to all, when the best lack them.

        Whoever asks 某医院 三代试管 must see that hospital, and that it is not approved for this.
        """
        if not hits or not (reading.techniques or reading.stage):
            return hits, narrowing
        narrowed = msgspec.structs.replace(narrowing, techniques=reading.techniques, stage=reading.stage)
        holding = select_subjects(self.connection, _limit_to_hits(narrowed, hits), self.asof)
        if any(hit.subject in holding for hit in hits if hit.cost <= hits[0].cost + _AS_GOOD):
            return [hit for hit in hits if hit.subject in holding], narrowed
        return hits, narrowing

    def find_people_page(self, query: SearchQuery) -> ResultPage | None:
        """Find institutions with the authorised people whom a question names beside them; never people alone."""
        if not lookup.has_practitioners(self.connection):
            return None
        for reading, person in split_off_person(query):
            searched = search_documents(self.engine, SearchQuery(raw=query.raw, readings=(reading,)))
            if not (searched.hits and ranking.is_named(searched.hits[0])) or len(searched.hits) > PEOPLE_INSTITUTIONS:
                continue
            page = self.make_ranked_page(searched, reading)
            items = [named for item in page.items if (named := self._match_people(item, person)) is not None]
            if items:
                return msgspec.structs.replace(page, items=items, total=len(items), following=None)
        return None

    def _match_people(self, item: InstitutionHit, person: str) -> InstitutionHit | None:
        practitioners = lookup.list_practitioners(self.connection, item.institution.code, self.asof)
        if practitioners and not self.may_look(item.institution.code):
            return None
        namesakes = tuple(
            practitioner
            for practitioner in practitioners
            if practitioner.name and fold_text(practitioner.name) == person
        )
        return msgspec.structs.replace(item, practitioners=namesakes) if namesakes else None

    def _load_hits(self, keys: list[tuple[str, MatchKind, str]], techniques: Sequence[str]) -> list[InstitutionHit]:
        reasons = {subject: (match, fitted) for subject, match, fitted in keys}
        hits = []
        for institution in lookup.read_institutions(self.connection, list(reasons), self.asof):
            match, fitted = reasons[lookup.to_subject(parse_code(institution.code))]
            printed = _select_printed_name(institution, fitted)
            lawful = {a.technique for a in institution.approvals if a.standing == "in_force"}
            lacks = tuple(t.code for t in TECHNIQUES if t.code in techniques and t.code not in lawful)
            hits.append(
                InstitutionHit(institution, match, by=printed if printed != institution.name else None, lacks=lacks)
            )
        return hits


def _is_name_read(query: SearchQuery) -> bool:
    """Whether a question is a name and nothing else, so that it can be said that nobody has it."""
    return query.is_name or (is_formal(query.readings[0].whole) and not query.is_sentence)


def _limit_to_hits(narrowing: InstitutionFilter, hits: list[Hit]) -> InstitutionFilter:
    return msgspec.structs.replace(narrowing, subjects=tuple(hit.subject for hit in hits))


def _select_printed_name(institution: Institution, fitted: str) -> str:
    """Return the name of an institution that was meant, as it is printed."""
    names = (
        institution.name,
        institution.name_en or "",
        *institution.aliases,
        *institution.known_as,
        *(former.name for former in institution.former_names),
    )
    return next((name for name in names if fold_text(name) == fitted), institution.name)
