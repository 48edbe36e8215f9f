/** The settings page, and what else asks for a picture. */
export const settings = {
  title: "Settings", profile: "Profile", displayName: "Display name", displayNameHint: "At most 64 characters.", status: "Status", statusHint: "What you are up to; at most 100 characters.", picture: "Picture", upload: "Upload picture", removePicture: "Remove picture", pictureHint: "A large picture is made smaller before it is sent.", pictureType: "The browser cannot read this file as a picture. Choose a PNG, JPEG or WebP.", saveProfile: "Save profile",
  password: "Password", oldPassword: "Current password", newPassword: "New password", changePassword: "Change password", revokeOthers: "Sign out all other devices", passwordChanged: "Password changed.",
  devices: "Devices", thisDevice: "this device", seen: (when: string) => `Last seen ${when}`, revoke: "Sign out", revokeTitle: (name: string) => `Sign out ${name}?`, revokeText: "It must sign in again with the password.", unnamedDevice: "Unnamed device",
  appearance: "Appearance", theme: "Theme", system: "Follow the system", light: "Light", dark: "Dark", language: "Language", auto: "Follow the browser", notifications: "Notifications", notify: "Show desktop notifications", notifyHint: "For mentions, and for every message in rooms that are not muted, while this page is open.", notifyDenied: "Your browser blocks notifications from this page. Allow them in the site settings, then try again.", notifyMissing: "This browser has no desktop notifications.",
  account: "Account", signOut: "Sign out", signedInAs: (user: string) => `Signed in as ${user}`,
};

export type SettingsTexts = typeof settings;
