package transport

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

var update = flag.Bool("update", false, "write testdata/rights.txt anew")

// TestRights asks every command of the protocol as everybody (reliability.md, test 18):
// the methods come from the service's descriptor, so a new one without a request here,
// or without lines in testdata/rights.txt, fails. A change of that file is a change of
// who may do what: look at it line by line.
func TestRights(t *testing.T) {
	h := openHouse(t)
	s := &stage{h: h, owner: h.person("owner"), victim: h.person("victim"), guest: h.person("guest"), exile: h.person("exile")}
	h.bridge()
	var out strings.Builder
	out.WriteString("# command: what each kind of person is answered. Written by go test ./transport -run TestRights -update\n")
	for _, method := range methods(t) {
		for _, public := range []bool{false, true} {
			if public && !aboutRoom(method) {
				continue
			}
			s.row(t, &out, method, public)
		}
	}
	golden(t, "testdata/rights.txt", out.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, _ := os.ReadFile(file)
	was, is := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(was), len(is)) {
		if i >= len(was) || i >= len(is) || was[i] != is[i] {
			t.Fatalf("%s differs from line %d on:\n%s\nwant\n%s", file, i+1, strings.Join(is[min(i, len(is)):min(i+12, len(is))], "\n"), strings.Join(was[min(i, len(was)):min(i+12, len(was))], "\n"))
		}
	}
}

func methods(t *testing.T) []protoreflect.MethodDescriptor {
	service := clientpb.File_client_proto.Services().ByName("Client")
	if service == nil {
		t.Fatal("client.proto has no service Client")
	}
	var out []protoreflect.MethodDescriptor
	for i := range service.Methods().Len() {
		out = append(out, service.Methods().Get(i))
	}
	return out
}

func aboutRoom(m protoreflect.MethodDescriptor) bool {
	return m.Input().Fields().ByName("room") != nil && m.Name() != "Search" || m.Name() == "Watch"
}

// TestTable: every method has a row, and every row is a method.
func TestTable(t *testing.T) {
	table := newTable()
	all := methods(t)
	for _, m := range all {
		if _, ok := table.find(string(m.Name())); !ok {
			t.Errorf("%s has no row in the table of commands", m.Name())
		}
	}
	if len(table.rows) != len(all) {
		t.Errorf("%d rows for %d methods", len(table.rows), len(all))
	}
}

// everybody who may ask, and what they are in the room of the scene.
var everybody = []string{"anonymous", "disabled", "stranger", "banned", "readonly", "member", "invited", "moderator", "owner", "administrator", "operator"}

// stage is where scenes are set.
type stage struct {
	h                           *house
	owner, victim, guest, exile *person
	scenes                      int
}

// scene is one room, freshly made, with one actor in it.
type scene struct {
	room   string
	event  string // a message of the owner
	theirs string // a message of the victim
	actor  *person
	victim string // a member
	guest  string // not a member
	exile  string // banned
	device string
	n      int
}

func (s *stage) row(t *testing.T, out *strings.Builder, m protoreflect.MethodDescriptor, public bool) {
	kind := ""
	if aboutRoom(m) {
		kind = " (private room)"
	}
	if public {
		kind = " (public room)"
	}
	fmt.Fprintf(out, "\n%s%s\n", m.Name(), kind)
	request, ok := requests[string(m.Name())]
	if !ok {
		t.Errorf("%s has no request in this test", m.Name())
		return
	}
	for _, who := range everybody {
		sc := s.set(who, public)
		fmt.Fprintf(out, "  %-14s %s\n", who, s.ask(m, who, sc, request(sc)))
	}
}

// set makes a room and puts a new person into it.
func (s *stage) set(who string, public bool) *scene {
	s.scenes++
	sc := &scene{victim: s.victim.user, guest: s.guest.user, exile: s.exile.user, n: s.scenes}
	name := fmt.Sprintf("actor%d", s.scenes)
	if who == "administrator" {
		sc.actor = s.h.admin(name)
	} else {
		sc.actor = s.h.person(name)
	}
	sc.device = sc.actor.dev
	out := &roompb.RoomSummary{}
	s.owner.mustCall("RoomCreate", &clientpb.RoomCreateRequest{Alias: fmt.Sprint("room", s.scenes), Name: "Room", Public: public, Key: fmt.Sprint(s.scenes)}, out)
	sc.room = out.Room
	sc.event = s.owner.send(sc.room, "a message").Event
	s.bring(s.victim, sc.room)
	sc.theirs = s.victim.send(sc.room, "another").Event
	s.owner.mustCall("RoomBan", &clientpb.MemberRequest{Room: sc.room, User: sc.exile}, &clientpb.Empty{})
	s.place(who, sc)
	return sc
}

func (s *stage) bring(p *person, room string) {
	s.owner.mustCall("RoomInvite", &clientpb.MemberRequest{Room: room, User: p.user}, &clientpb.Empty{})
	p.join(room)
}

func (s *stage) place(who string, sc *scene) {
	role := map[string]string{"readonly": "readonly", "moderator": "moderator", "owner": "owner"}[who]
	switch {
	case role != "" || who == "member":
		s.bring(sc.actor, sc.room)
		if role != "" {
			s.owner.mustCall("RoomRole", &clientpb.MemberRequest{Room: sc.room, User: sc.actor.user, Role: role}, &clientpb.Empty{})
		}
	case who == "banned":
		s.owner.mustCall("RoomBan", &clientpb.MemberRequest{Room: sc.room, User: sc.actor.user}, &clientpb.Empty{})
	case who == "invited":
		s.owner.mustCall("RoomInvite", &clientpb.MemberRequest{Room: sc.room, User: sc.actor.user}, &clientpb.Empty{})
	case who == "disabled":
		s.bring(sc.actor, sc.room)
		yes := true
		if err := s.h.operator("AdminUserSet", &clientpb.AdminUserSetRequest{User: sc.actor.user, Disabled: &yes}, &clientpb.Empty{}); err != nil {
			s.h.t.Fatal(err)
		}
	}
}

// ask gives the command by the door it is for and returns the code.
func (s *stage) ask(m protoreflect.MethodDescriptor, who string, sc *scene, in proto.Message) string {
	name, out := string(m.Name()), &anyMessage{}
	token := sc.actor.token
	if who == "anonymous" {
		token = ""
	}
	switch {
	case who == "operator":
		return codeIn(s.h.operator(name, in, out))
	case name == "Open":
		v := s.h.dial("websocket")
		defer v.pipe.close()
		return codeIn(v.do("Open", &clientpb.OpenRequest{Token: token, Protocol: 1}, out))
	case name == "Watch" && who != "anonymous" && who != "disabled":
		v := sc.actor.visit("websocket", nil)
		defer v.pipe.close()
		return codeIn(v.do("Watch", in, out))
	}
	return codeIn(s.h.call(token, name, in, out))
}

// anyMessage takes any answer.
type anyMessage = clientpb.Empty

func text(s string) *string { return &s }

func yes() *bool {
	b := true
	return &b
}

// requests are well-formed ones, so that a refusal is about the person.
var requests = map[string]func(*scene) proto.Message{
	"ServerInfo": func(*scene) proto.Message { return &clientpb.ServerInfoRequest{} },
	"Register": func(s *scene) proto.Message {
		return &clientpb.RegisterRequest{Username: fmt.Sprint("new", s.n), Password: "a good long one"}
	},
	"Login": func(s *scene) proto.Message {
		return &clientpb.LoginRequest{Username: s.actor.name, Password: s.actor.name + secret}
	},
	"Open":   func(*scene) proto.Message { return &clientpb.OpenRequest{} },
	"Logout": func(*scene) proto.Message { return &clientpb.LogoutRequest{} },
	"PasswordChange": func(s *scene) proto.Message {
		return &clientpb.PasswordChangeRequest{OldPassword: s.actor.name + secret, NewPassword: "another long one"}
	},
	"Devices":      func(*scene) proto.Message { return &clientpb.Empty{} },
	"DeviceRevoke": func(s *scene) proto.Message { return &clientpb.DeviceRevokeRequest{Device: s.device} },
	"ProfileSet":   func(*scene) proto.Message { return &clientpb.ProfileSetRequest{Status: text("here")} },
	"Profiles":     func(s *scene) proto.Message { return &clientpb.ProfilesRequest{Users: []string{s.victim}} },
	"UserFind":     func(*scene) proto.Message { return &clientpb.UserFindRequest{Query: "vic"} },

	"Rooms": func(*scene) proto.Message { return &clientpb.Empty{} },
	"RoomCreate": func(s *scene) proto.Message {
		return &clientpb.RoomCreateRequest{Alias: fmt.Sprint("other", s.n), Name: "Other", Key: fmt.Sprint("o", s.n)}
	},
	"RoomDirect": func(s *scene) proto.Message { return &clientpb.RoomDirectRequest{User: s.guest} },
	"RoomFind":   func(*scene) proto.Message { return &clientpb.RoomFindRequest{Query: "room"} },
	"RoomGet":    byRoom, "RoomJoin": byRoom, "RoomLeave": byRoom,
	"RoomInvite": func(s *scene) proto.Message { return &clientpb.MemberRequest{Room: s.room, User: s.guest} },
	"RoomKick":   byVictim, "RoomBan": byVictim,
	"RoomUnban": func(s *scene) proto.Message { return &clientpb.MemberRequest{Room: s.room, User: s.exile} },
	"RoomRole": func(s *scene) proto.Message {
		return &clientpb.MemberRequest{Room: s.room, User: s.victim, Role: "readonly"}
	},
	"RoomSet": func(s *scene) proto.Message {
		return &clientpb.RoomSetRequest{Room: s.room, Settings: &roompb.Settings{Topic: text("news")}}
	},
	"RoomMute": func(s *scene) proto.Message { return &clientpb.RoomMuteRequest{Room: s.room, Muted: "all"} },
	"Members":  func(s *scene) proto.Message { return &clientpb.MembersRequest{Room: s.room} },

	"Send": func(s *scene) proto.Message { return &clientpb.SendRequest{Room: s.room, Text: "hello"} },
	"Edit": func(s *scene) proto.Message {
		return &clientpb.EditRequest{Room: s.room, Event: s.event, Text: "changed"}
	},
	"Delete": func(s *scene) proto.Message { return &clientpb.TargetRequest{Room: s.room, Event: s.theirs} },
	"React": func(s *scene) proto.Message {
		return &clientpb.ReactRequest{Room: s.room, Event: s.event, Emoji: "👍", On: true}
	},
	"Pin":         func(s *scene) proto.Message { return &clientpb.PinRequest{Room: s.room, Event: s.event, On: true} },
	"History":     func(s *scene) proto.Message { return &clientpb.HistoryRequest{Room: s.room} },
	"EditHistory": func(s *scene) proto.Message { return &clientpb.EventRequest{Room: s.room, Event: s.event} },
	"Pins":        byRoom,
	"Search":      func(s *scene) proto.Message { return &clientpb.SearchRequest{Query: "message"} },

	"Read":     func(s *scene) proto.Message { return &clientpb.ReadRequest{Room: s.room, Pos: 2} },
	"Receipts": byRoom,
	"Typing":   func(s *scene) proto.Message { return &clientpb.TypingRequest{Room: s.room, On: true} },
	"Watch":    func(s *scene) proto.Message { return &clientpb.WatchRequest{Rooms: []string{s.room}} },

	"AdminUsers": func(*scene) proto.Message { return &clientpb.AdminUsersRequest{} },
	"AdminUserAdd": func(s *scene) proto.Message {
		return &clientpb.AdminUserAddRequest{Username: fmt.Sprint("added", s.n), Password: "a good long one"}
	},
	"AdminUserSet": func(s *scene) proto.Message {
		no := false
		return &clientpb.AdminUserSetRequest{User: s.guest, Admin: &no}
	},
	"AdminInviteCreate": func(*scene) proto.Message { return &clientpb.AdminInviteCreateRequest{} },
	"AdminInvites":      func(*scene) proto.Message { return &clientpb.Empty{} },
	"AdminInviteRevoke": func(*scene) proto.Message { return &clientpb.AdminInviteRevokeRequest{Id: "none"} },
	"AdminRooms":        func(*scene) proto.Message { return &clientpb.AdminRoomsRequest{} },
	"AdminHealth":       func(*scene) proto.Message { return &clientpb.Empty{} },

	"RoomSteward": func(s *scene) proto.Message {
		return &clientpb.RoomStewardRequest{Room: s.room, Node: "other.example", On: true} // nobody of it is there: conflict
	},
	"RoomNodeBan": func(s *scene) proto.Message {
		return &clientpb.RoomNodeBanRequest{Room: s.room, Node: "other.example", On: true}
	},
	"Block":   func(s *scene) proto.Message { return &clientpb.BlockRequest{User: s.victim, On: true} },
	"Blocks":  func(*scene) proto.Message { return &clientpb.Empty{} },
	"Notices": func(*scene) proto.Message { return &clientpb.NoticesRequest{} },
	"Report": func(s *scene) proto.Message {
		return &clientpb.ReportRequest{Room: s.room, Event: s.event, Reason: "rude"}
	},
	"AdminReports":       func(*scene) proto.Message { return &clientpb.Empty{} },
	"AdminReportClose":   func(*scene) proto.Message { return &clientpb.AdminReportCloseRequest{Id: "none"} },
	"AdminPeers":         func(*scene) proto.Message { return &clientpb.Empty{} },
	"AdminPeerSet":       func(*scene) proto.Message { return &clientpb.AdminPeerSetRequest{Name: "other.example", Forget: yes()} },
	"AdminNodeInvite":    func(*scene) proto.Message { return &clientpb.AdminNodeInviteRequest{} },
	"AdminNodeJoin":      func(*scene) proto.Message { return &clientpb.AdminNodeJoinRequest{Link: "other.example"} },
	"AdminFederationSet": func(*scene) proto.Message { return &clientpb.AdminFederationSetRequest{Policy: text("list")} },

	"RoomBridges":      func(s *scene) proto.Message { return &clientpb.RoomBridgesRequest{Room: s.room} },
	"BridgePrivate":    func(*scene) proto.Message { return &clientpb.BridgePrivateRequest{Name: "libera", Ghost: "ann"} }, // not_found: nobody is in sight
	"AdminBridgeKinds": func(*scene) proto.Message { return &clientpb.Empty{} },
	"AdminBridges":     func(*scene) proto.Message { return &clientpb.Empty{} },
	"AdminBridgeAdd": func(s *scene) proto.Message {
		return &clientpb.AdminBridgeAddRequest{Kind: "irc", Name: fmt.Sprint("bridge", s.n)}
	},
	"AdminBridgeSet":    func(*scene) proto.Message { return &clientpb.AdminBridgeSetRequest{Name: "libera", Enabled: yes()} },
	"AdminBridgeRemove": func(*scene) proto.Message { return &clientpb.AdminBridgeRequest{Name: "nothere"} }, // not_found
	"AdminBridgeLink": func(s *scene) proto.Message {
		return &clientpb.AdminBridgeLinkRequest{Name: "libera", Room: s.room, Channel: fmt.Sprint("#c", s.n)}
	},
	"AdminBridgeUnlink": func(*scene) proto.Message {
		return &clientpb.AdminBridgeUnlinkRequest{Name: "libera", Channel: "#none"}
	}, // not_found
	"AdminBridgeMute": func(s *scene) proto.Message {
		return &clientpb.AdminBridgeMuteRequest{Name: "libera", Room: s.room, Ghost: "ann", On: true} // no such link: not_found
	},
	"AdminBridgeLogs":    func(*scene) proto.Message { return &clientpb.AdminBridgeLogsRequest{Name: "libera"} },
	"AdminBridgeRestart": func(*scene) proto.Message { return &clientpb.AdminBridgeRequest{Name: "libera"} },
}

func byRoom(s *scene) proto.Message   { return &clientpb.RoomRequest{Room: s.room} }
func byVictim(s *scene) proto.Message { return &clientpb.MemberRequest{Room: s.room, User: s.victim} }
