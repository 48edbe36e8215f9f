package client

import (
	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

// Info is what the library must know of a command without its types.
type Info struct {
	Name string
	// Repeat: doing it twice is as good as once, so it goes out again after a break.
	// The others come back as ErrInterrupted: nobody knows whether they were done.
	Repeat bool
}

// Command is one row of the protocol's table of commands.
type Command[Req, Resp any] struct{ Info }

func repeat[Req, Resp any](name string) Command[Req, Resp] {
	return Command[Req, Resp]{Info{Name: name, Repeat: true}}
}

func once[Req, Resp any](name string) Command[Req, Resp] {
	return Command[Req, Resp]{Info{Name: name}}
}

// The table, in the order of client.proto. A test compares them.
// Those with a key are repeatable when the key is given: the library gives one.
var (
	ServerInfo = repeat[pb.ServerInfoRequest, pb.ServerInfoResponse]("ServerInfo")
	Register   = once[pb.RegisterRequest, pb.LoginResponse]("Register")
	Login      = once[pb.LoginRequest, pb.LoginResponse]("Login")
	Open       = repeat[pb.OpenRequest, pb.OpenResponse]("Open")

	Logout         = once[pb.LogoutRequest, pb.Empty]("Logout")
	PasswordChange = once[pb.PasswordChangeRequest, pb.Empty]("PasswordChange")
	Devices        = repeat[pb.Empty, pb.DevicesResponse]("Devices")
	DeviceRevoke   = once[pb.DeviceRevokeRequest, pb.Empty]("DeviceRevoke")
	ProfileSet     = repeat[pb.ProfileSetRequest, roompb.Profile]("ProfileSet")
	Profiles       = repeat[pb.ProfilesRequest, pb.ProfilesResponse]("Profiles")
	UserFind       = repeat[pb.UserFindRequest, pb.ProfilesResponse]("UserFind")

	Rooms      = repeat[pb.Empty, pb.RoomsResponse]("Rooms")
	RoomCreate = repeat[pb.RoomCreateRequest, roompb.RoomSummary]("RoomCreate")
	RoomDirect = repeat[pb.RoomDirectRequest, roompb.RoomSummary]("RoomDirect")
	RoomFind   = repeat[pb.RoomFindRequest, pb.RoomFindResponse]("RoomFind")
	RoomGet    = repeat[pb.RoomRequest, pb.RoomGetResponse]("RoomGet")
	RoomJoin   = repeat[pb.RoomRequest, roompb.RoomSummary]("RoomJoin")
	RoomLeave  = once[pb.RoomRequest, pb.Done]("RoomLeave")
	RoomInvite = once[pb.MemberRequest, pb.Done]("RoomInvite")
	RoomKick   = once[pb.MemberRequest, pb.Done]("RoomKick")
	RoomBan    = once[pb.MemberRequest, pb.Done]("RoomBan")
	RoomUnban  = once[pb.MemberRequest, pb.Done]("RoomUnban")
	RoomRole   = once[pb.MemberRequest, pb.Done]("RoomRole")
	RoomSet    = repeat[pb.RoomSetRequest, roompb.RoomSummary]("RoomSet")
	RoomMute   = repeat[pb.RoomMuteRequest, pb.Empty]("RoomMute")
	Members    = repeat[pb.MembersRequest, pb.MembersResponse]("Members")

	Send        = repeat[pb.SendRequest, pb.EventResponse]("Send")
	Edit        = repeat[pb.EditRequest, pb.EventResponse]("Edit")
	Delete      = repeat[pb.TargetRequest, pb.EventResponse]("Delete")
	React       = repeat[pb.ReactRequest, pb.EventResponse]("React")
	Pin         = repeat[pb.PinRequest, pb.EventResponse]("Pin")
	History     = repeat[pb.HistoryRequest, pb.HistoryResponse]("History")
	EditHistory = repeat[pb.EventRequest, pb.EditHistoryResponse]("EditHistory")
	Pins        = repeat[pb.RoomRequest, pb.HistoryResponse]("Pins")
	Search      = repeat[pb.SearchRequest, pb.SearchResponse]("Search")

	Read     = repeat[pb.ReadRequest, pb.Empty]("Read")
	Receipts = repeat[pb.RoomRequest, pb.ReceiptsResponse]("Receipts")
	Typing   = repeat[pb.TypingRequest, pb.Empty]("Typing")
	Watch    = repeat[pb.WatchRequest, pb.WatchResponse]("Watch")

	AdminUsers        = repeat[pb.AdminUsersRequest, pb.AdminUsersResponse]("AdminUsers")
	AdminUserAdd      = once[pb.AdminUserAddRequest, roompb.Profile]("AdminUserAdd")
	AdminUserSet      = repeat[pb.AdminUserSetRequest, pb.Empty]("AdminUserSet")
	AdminInviteCreate = once[pb.AdminInviteCreateRequest, pb.Invite]("AdminInviteCreate")
	AdminInvites      = repeat[pb.Empty, pb.AdminInvitesResponse]("AdminInvites")
	AdminInviteRevoke = repeat[pb.AdminInviteRevokeRequest, pb.Empty]("AdminInviteRevoke")
	AdminRooms        = repeat[pb.AdminRoomsRequest, pb.AdminRoomsResponse]("AdminRooms")
	AdminHealth       = repeat[pb.Empty, pb.AdminHealthResponse]("AdminHealth")

	RoomSteward        = once[pb.RoomStewardRequest, pb.Done]("RoomSteward")
	RoomNodeBan        = once[pb.RoomNodeBanRequest, pb.Done]("RoomNodeBan")
	Block              = repeat[pb.BlockRequest, pb.Empty]("Block")
	Blocks             = repeat[pb.Empty, pb.BlocksResponse]("Blocks")
	Notices            = repeat[pb.NoticesRequest, pb.NoticesResponse]("Notices")
	Report             = once[pb.ReportRequest, pb.Empty]("Report")
	AdminReports       = repeat[pb.Empty, pb.AdminReportsResponse]("AdminReports")
	AdminReportClose   = once[pb.AdminReportCloseRequest, pb.Empty]("AdminReportClose")
	AdminPeers         = repeat[pb.Empty, pb.AdminPeersResponse]("AdminPeers")
	AdminPeerSet       = repeat[pb.AdminPeerSetRequest, pb.Empty]("AdminPeerSet")
	AdminNodeInvite    = once[pb.AdminNodeInviteRequest, pb.AdminNodeInviteResponse]("AdminNodeInvite")
	AdminNodeJoin      = repeat[pb.AdminNodeJoinRequest, pb.Peer]("AdminNodeJoin")
	AdminFederationSet = repeat[pb.AdminFederationSetRequest, pb.Empty]("AdminFederationSet")

	RoomBridges        = repeat[pb.RoomBridgesRequest, pb.RoomBridgesResponse]("RoomBridges")
	BridgePrivate      = repeat[pb.BridgePrivateRequest, pb.BridgePrivateResponse]("BridgePrivate")
	AdminBridgeKinds   = repeat[pb.Empty, pb.AdminBridgeKindsResponse]("AdminBridgeKinds")
	AdminBridges       = repeat[pb.Empty, pb.AdminBridgesResponse]("AdminBridges")
	AdminBridgeAdd     = once[pb.AdminBridgeAddRequest, pb.Bridge]("AdminBridgeAdd")
	AdminBridgeSet     = repeat[pb.AdminBridgeSetRequest, pb.Bridge]("AdminBridgeSet")
	AdminBridgeRemove  = once[pb.AdminBridgeRequest, pb.Empty]("AdminBridgeRemove")
	AdminBridgeLink    = once[pb.AdminBridgeLinkRequest, pb.AdminBridgeLinkResponse]("AdminBridgeLink")
	AdminBridgeUnlink  = once[pb.AdminBridgeUnlinkRequest, pb.Empty]("AdminBridgeUnlink")
	AdminBridgeMute    = repeat[pb.AdminBridgeMuteRequest, pb.Empty]("AdminBridgeMute")
	AdminBridgeLogs    = repeat[pb.AdminBridgeLogsRequest, pb.AdminBridgeLogsResponse]("AdminBridgeLogs")
	AdminBridgeRestart = repeat[pb.AdminBridgeRequest, pb.Empty]("AdminBridgeRestart")
)
