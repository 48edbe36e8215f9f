package room

import "hearth/node/room/roompb"

// Kind is what an event says.
type Kind string

// Kinds of the message logs.
const (
	KindText    Kind = "text"
	KindEmote   Kind = "emote"
	KindEdit    Kind = "edit"
	KindDelete  Kind = "delete"
	KindReact   Kind = "react"
	KindUnreact Kind = "unreact"
	KindPin     Kind = "pin"
	KindUnpin   Kind = "unpin"
)

// Kinds of the state log.
const (
	KindCreate   Kind = "create"
	KindJoin     Kind = "join"
	KindLeave    Kind = "leave"
	KindInvite   Kind = "invite"
	KindKick     Kind = "kick"
	KindBan      Kind = "ban"
	KindUnban    Kind = "unban"
	KindRole     Kind = "role"
	KindSettings Kind = "settings"

	KindNodeBan   Kind = "nodeban" // of a whole node: its users go, and stay out
	KindNodeUnban Kind = "nodeunban"
	KindStewards  Kind = "stewards" // which nodes order the state from now on
)

type kindFacts struct {
	log      roompb.Log
	timeline bool // a line of its own in the timeline
	right    Right
	check    func(*roompb.Body) error
}

// kinds is the whole language of a room: a kind that is not here is not understood.
var kinds = map[Kind]kindFacts{
	KindText:    {roompb.Log_LOG_MESSAGES, true, RightSay, both(checkText, checkFiles)},
	KindEmote:   {roompb.Log_LOG_MESSAGES, true, RightSay, both(checkText, checkFiles)},
	KindEdit:    {roompb.Log_LOG_MESSAGES, false, RightEditOwn, both(checkTarget, checkText)},
	KindDelete:  {roompb.Log_LOG_MESSAGES, false, RightDeleteOwn, both(checkTarget, checkReason)},
	KindReact:   {roompb.Log_LOG_MESSAGES, false, RightReact, both(checkTarget, checkEmoji)},
	KindUnreact: {roompb.Log_LOG_MESSAGES, false, RightReact, both(checkTarget, checkEmoji)},
	KindPin:     {roompb.Log_LOG_MESSAGES, false, RightPin, checkTarget},
	KindUnpin:   {roompb.Log_LOG_MESSAGES, false, RightPin, checkTarget},

	KindCreate:   {roompb.Log_LOG_STATE, true, rightNone, both(checkCreate, checkReason)},
	KindJoin:     {roompb.Log_LOG_STATE, true, rightNone, both(checkReason, checkJoinBridge)},
	KindLeave:    {roompb.Log_LOG_STATE, true, rightNone, checkReason},
	KindInvite:   {roompb.Log_LOG_STATE, true, RightInvite, both(checkSubject, checkReason)},
	KindKick:     {roompb.Log_LOG_STATE, true, RightKick, both(checkSubject, checkReason)},
	KindBan:      {roompb.Log_LOG_STATE, true, RightBan, both(checkSubject, checkReason)},
	KindUnban:    {roompb.Log_LOG_STATE, true, RightBan, both(checkSubject, checkReason)},
	KindRole:     {roompb.Log_LOG_STATE, true, RightRole, both(checkSubject, checkRole)},
	KindSettings: {roompb.Log_LOG_STATE, true, RightSettings, checkSettings},

	KindNodeBan:   {roompb.Log_LOG_STATE, true, RightNodeBan, both(checkNode, checkReason)},
	KindNodeUnban: {roompb.Log_LOG_STATE, true, RightNodeBan, both(checkNode, checkReason)},
	KindStewards:  {roompb.Log_LOG_STATE, true, RightStewards, checkStewardNames},
}

// Known tells whether k is understood.
func (k Kind) Known() bool { _, ok := kinds[k]; return ok }

// State tells whether events of this kind belong to the state log.
func (k Kind) State() bool { return kinds[k].log == roompb.Log_LOG_STATE }

// Log is the log that events of this kind belong to.
func (k Kind) Log() roompb.Log { return kinds[k].log }

// Timeline tells whether an event of this kind is a line of the timeline; the others
// change such a line.
func (k Kind) Timeline() bool { return kinds[k].timeline }

// Message tells whether this kind is something said: it may be edited, deleted,
// reacted to, pinned, and it counts as unread.
func (k Kind) Message() bool { return k == KindText || k == KindEmote }
