package room

// Role is a member's standing. The order is the rank.
type Role int8

const (
	RoleReadonly Role = iota - 1
	RoleMember
	RoleModerator
	RoleAdministrator
	RoleOwner
	roleCreator // above owners, for ever; never assigned, only derived
)

var roleNames = map[Role]string{
	RoleReadonly:      "readonly",
	RoleMember:        "member",
	RoleModerator:     "moderator",
	RoleAdministrator: "administrator",
	RoleOwner:         "owner",
	roleCreator:       "owner",
}

func (r Role) String() string { return roleNames[r] }

// ParseRole reads a role's name.
func ParseRole(s string) (Role, bool) {
	for r, name := range roleNames {
		if name == s && r != roleCreator {
			return r, true
		}
	}
	return 0, false
}

// Right is something that a role allows.
type Right string

const (
	rightNone        Right = "" // decided by the kind's own rule
	RightSay         Right = "say"
	RightReact       Right = "react"
	RightEditOwn     Right = "edit_own"
	RightDeleteOwn   Right = "delete_own"
	RightDeleteAny   Right = "delete_any"
	RightPin         Right = "pin"
	RightMentionRoom Right = "mention_room"
	RightInvite      Right = "invite"
	RightKick        Right = "kick"
	RightBan         Right = "ban"
	RightRole        Right = "role"
	RightSettings    Right = "settings"
	RightNodeBan     Right = "node_ban"
	RightStewards    Right = "stewards"
)

// rights is the least role that has a right.
var rights = map[Right]Role{
	RightSay:         RoleMember,
	RightReact:       RoleMember,
	RightEditOwn:     RoleMember,
	RightDeleteOwn:   RoleReadonly, // what one said one may always take back
	RightDeleteAny:   RoleModerator,
	RightPin:         RoleModerator,
	RightMentionRoom: RoleModerator,
	RightInvite:      RoleMember,
	RightKick:        RoleModerator,
	RightBan:         RoleModerator,
	RightRole:        RoleAdministrator,
	RightSettings:    RoleAdministrator,
	RightNodeBan:     RoleAdministrator,
	RightStewards:    RoleAdministrator,
}

// notInDirect lists what the two of a 1:1 room cannot do, whatever their role.
var notInDirect = map[Right]bool{
	RightInvite: true, RightKick: true, RightBan: true, RightRole: true, RightSettings: true, RightMentionRoom: true,
	RightNodeBan: true, RightStewards: true, RightDeleteAny: true,
}
