package room

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"
	"sync"

	"hearth/node/room/roompb"
)

// The users who stand somehow in a room, or did, are divided into pages by the first bits of
// a hash of their names: a page of more than maxPageUsers is two, by the next bit. So how they
// are divided is a function of who they are alone, an entry changes one page or two, and whoever
// has a state's root can check any page without the others.

const (
	labelUser = "hearth user 1"
	labelPage = "hearth page 1"

	maxPageUsers = 128
	maxPageDepth = 64
	maxPages     = 1 << 13 // of a state that comes from elsewhere: some 700,000 users
	pageRefSize  = 1 + len(Hash{})
)

// page is the users whose places begin with the same depth bits.
type page struct {
	depth  int
	prefix uint64 // those bits, then zeros
	users  []User // sorted; never changed, for clones share it
	hash   Hash   // zero: to be worked out
	away   bool   // nothing but its hash is known
}

// pages is how the users of a state are divided. It is made when it is first needed, and
// follows the state from then on: entries only note which pages are not what they were.
type pages struct {
	mu   sync.Mutex // readers of one state make it, and work out hashes
	list []page     // by prefix; nil: not made yet
}

// place is where a user stands among all.
func place(u User) uint64 {
	h := sum(labelUser, []byte(u))
	return binary.BigEndian.Uint64(h[:8])
}

// find is the page of a place. The lock is held, here and below.
func (p *pages) find(at uint64) int {
	return sort.Search(len(p.list), func(i int) bool { return p.list[i].prefix > at }) - 1
}

func (p *pages) clone() *pages {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &pages{list: slices.Clone(p.list)}
}

// placed is a user with their place.
type placed struct {
	at   uint64
	user User
}

// divide makes pages of all users who have the first depth bits in common.
func divide(depth int, prefix uint64, users []User) []page {
	all := make([]placed, len(users))
	for i, u := range users {
		all[i] = placed{place(u), u}
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	return divideSorted(nil, depth, prefix, all)
}

func divideSorted(list []page, depth int, prefix uint64, all []placed) []page {
	if len(all) <= maxPageUsers || depth == maxPageDepth {
		one := page{depth: depth, prefix: prefix, users: make([]User, len(all))}
		for i, p := range all {
			one.users[i] = p.user
		}
		slices.Sort(one.users)
		return append(list, one)
	}
	middle := prefix | nextBit(depth)
	n := sort.Search(len(all), func(i int) bool { return all[i].at >= middle })
	return divideSorted(divideSorted(list, depth+1, prefix, all[:n]), depth+1, middle, all[n:])
}

// nextBit is the bit by which a page of a depth is divided.
func nextBit(depth int) uint64 { return 1 << (maxPageDepth - 1 - depth) }

// known tells whether u stands somehow, or did.
func (s *State) known(u User) bool {
	_, stands := s.Members[u]
	return stands || len(s.past[u]) > 0
}

// touch notes that u stands otherwise than before.
func (s *State) touch(u User) {
	p := s.pages
	if p == nil { // a preview
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.list == nil {
		return
	}
	i := p.find(place(u))
	one := &p.list[i]
	one.hash = Hash{}
	at, was := slices.BinarySearch(one.users, u)
	switch known := s.known(u); {
	case known && !was:
		one.users = slices.Insert(slices.Clone(one.users), at, u)
		if len(one.users) > maxPageUsers {
			p.list = slices.Replace(p.list, i, i+1, divide(one.depth, one.prefix, one.users)...)
		}
	case !known && was:
		one.users = slices.Delete(slices.Clone(one.users), at, at+1)
		p.join(i)
	}
}

// join makes one of a page and the one beside it for as long as that is not too large.
func (p *pages) join(i int) {
	for p.list[i].depth > 0 {
		if p.list[i].prefix&nextBit(p.list[i].depth-1) != 0 {
			i--
		}
		if i < 0 || i+1 >= len(p.list) || !p.twins(i) {
			return
		}
		low, high := p.list[i], p.list[i+1]
		users := slices.Concat(low.users, high.users)
		if len(users) > maxPageUsers {
			return
		}
		slices.Sort(users)
		p.list = slices.Replace(p.list, i, i+2, page{depth: low.depth - 1, prefix: low.prefix, users: users})
	}
}

// twins tells whether a page and the next are the two halves of one.
func (p *pages) twins(i int) bool {
	low, high := &p.list[i], &p.list[i+1]
	return low.depth == high.depth && low.depth > 0 && low.prefix|nextBit(low.depth-1) == high.prefix
}

// hashed makes the pages and works out what is missing of their hashes. The lock is held.
func (s *State) hashed() []page {
	p := s.pages
	if p.list == nil {
		p.list = divide(0, 0, s.users())
	}
	for i := range p.list {
		if one := &p.list[i]; one.hash.IsZero() {
			one.hash = pageHash(s.dumpPage(one.users))
		}
	}
	return p.list
}

// users are all who stand somehow, or did.
func (s *State) users() []User {
	all := make([]User, 0, len(s.Members)+len(s.past))
	for u := range s.Members {
		all = append(all, u)
	}
	for u := range s.past {
		if _, stands := s.Members[u]; !stands {
			all = append(all, u)
		}
	}
	return all
}

func pageHash(d *roompb.StateDump) Hash { return sum(labelPage, EncodeDump(d)) }

var noUsers = pageHash(&roompb.StateDump{})

// dumpPages names each page by its hash, in order.
func (s *State) dumpPages() []byte {
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	list := s.hashed()
	out := make([]byte, 0, len(list)*pageRefSize)
	for i := range list {
		out = append(append(out, byte(list[i].depth)), list[i].hash[:]...)
	}
	return out
}

// PageCount is how many pages the members of s have.
func (s *State) PageCount() int {
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	return len(s.hashed())
}

// PageOf is the number of the page that u is in, or would be.
func (s *State) PageOf(u User) int {
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	s.hashed()
	return s.pages.find(place(u))
}

// Partial tells whether members of some pages are not known: nothing may be applied to s.
func (s *State) Partial() bool { return s.lacks > 0 }

// Lacks tells whether nothing is known of how u stands.
func (s *State) Lacks(u User) bool {
	if s.lacks == 0 {
		return false
	}
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	return s.pages.list[s.pages.find(place(u))].away
}

// PagesLacking are the first of the pages that are not known, at most so many.
func (s *State) PagesLacking(most int) (numbers []uint32) {
	if s.lacks == 0 {
		return nil
	}
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	for i := range s.pages.list {
		if s.pages.list[i].away && len(numbers) < most {
			numbers = append(numbers, uint32(i))
		}
	}
	return numbers
}

// parsePages reads the division that a dump has: all places, each once.
func parsePages(raw []byte) ([]page, error) {
	if len(raw) == 0 || len(raw)%pageRefSize != 0 || len(raw)/pageRefSize > maxPages {
		return nil, badDump("its pages have %d bytes", len(raw))
	}
	list := make([]page, 0, len(raw)/pageRefSize)
	var from uint64
	for over := uint64(0); len(raw) > 0; raw = raw[pageRefSize:] {
		depth := int(raw[0])
		if over > 0 || depth > maxPageDepth || bits.TrailingZeros64(from) < maxPageDepth-depth {
			return nil, badDump("page %d is in no place", len(list))
		}
		one := page{depth: depth, prefix: from, hash: Hash(raw[1:pageRefSize])}
		one.away = one.hash != noUsers
		list = append(list, one)
		if depth == 0 {
			over = 1
		} else {
			from, over = bits.Add64(from, nextBit(depth-1), 0)
		}
		if last := len(raw) == pageRefSize; last && over == 0 {
			return nil, badDump("its pages end before the last place")
		}
	}
	return list, nil
}

// LoadPages takes in members of pages that s lacks: each page that is what its hash says, and
// of one that is not, or that is known, nothing. strange is how many are not. An error means
// that the page is what was signed, and no part of a state; or that the whole is none.
func (s *State) LoadPages(d *roompb.StateDump) (loaded, strange int, err error) {
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	for i, part := range s.parts(d) {
		switch one := &s.pages.list[i]; {
		case !one.away:
		case pageHash(part) != one.hash:
			strange++
		default:
			if err := s.loadPage(one, part); err != nil {
				return loaded, strange, err
			}
			loaded++
		}
	}
	if loaded > 0 && s.lacks == 0 {
		err = s.checkWhole()
	}
	return loaded, strange, err
}

// parts are what of a dump belongs to which page.
func (s *State) parts(d *roompb.StateDump) map[int]*roompb.StateDump {
	out := map[int]*roompb.StateDump{}
	part := func(user string) *roompb.StateDump {
		i := s.pages.find(place(User(user)))
		if out[i] == nil {
			out[i] = &roompb.StateDump{}
		}
		return out[i]
	}
	for _, m := range d.GetMembers() {
		p := part(m.GetUser())
		p.Members = append(p.Members, m)
	}
	for _, m := range d.GetPast() {
		p := part(m.GetUser())
		p.Past = append(p.Past, m)
	}
	return out
}

func (s *State) loadPage(one *page, d *roompb.StateDump) error {
	read := *s
	read.Members, read.past = make(map[User]Member, len(d.GetMembers())), map[User][]*roompb.PastStanding{}
	for _, load := range []func(*roompb.StateDump) error{read.loadMembers, read.loadPast} {
		if err := load(d); err != nil {
			return err
		}
	}
	users := read.users()
	switch standings := len(s.Members) + len(read.Members); {
	case len(users) > maxPageUsers && one.depth < maxPageDepth:
		return badDump("a page has %d users", len(users))
	case standings > MaxStandings:
		return Errorf(TooLarge, "A room has at most %d standings, not %d.", MaxStandings, standings)
	}
	slices.Sort(users)
	for u, m := range read.Members {
		s.Members[u] = m
	}
	for u, past := range read.past {
		s.past[u] = past
	}
	one.users, one.away = users, false
	s.lacks--
	return nil
}

// checkWhole is what must hold once all pages are there: they are divided as they should be,
// and have as many members of each node as was said.
func (s *State) checkWhole() error {
	for i := range len(s.pages.list) - 1 {
		if s.pages.twins(i) && len(s.pages.list[i].users)+len(s.pages.list[i+1].users) <= maxPageUsers {
			return badDump("the pages %d and %d should be one", i, i+1)
		}
	}
	joined := map[string]int{}
	for u, m := range s.Members {
		if m.Membership == Joined {
			joined[u.Node()]++
		}
	}
	for name, n := range s.Nodes {
		if n.Joined != joined[name] {
			return badDump("%d users of %s are members, not %d", joined[name], name, n.Joined)
		}
	}
	return nil
}
