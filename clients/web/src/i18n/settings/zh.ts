import type { SettingsTexts } from "./en";

export const settings: SettingsTexts = {
  title: "设置", profile: "个人资料", displayName: "显示名称", displayNameHint: "最多 64 个字符。", status: "状态", statusHint: "你在忙什么；最多 100 个字符。", picture: "头像", upload: "上传头像", removePicture: "移除头像", pictureHint: "较大的图片会先缩小再上传。", pictureType: "浏览器无法将此文件读作图片。请选择 PNG、JPEG 或 WebP。", saveProfile: "保存资料",
  password: "密码", oldPassword: "当前密码", newPassword: "新密码", changePassword: "修改密码", revokeOthers: "让其他设备全部退出登录", passwordChanged: "密码已修改。",
  devices: "设备", thisDevice: "本设备", seen: (when) => `最近在线：${when}`, revoke: "退出登录", revokeTitle: (name) => `让 ${name} 退出登录？`, revokeText: "它需要用密码重新登录。", unnamedDevice: "未命名的设备",
  appearance: "外观", theme: "主题", system: "跟随系统", light: "浅色", dark: "深色", language: "语言", auto: "跟随浏览器", notifications: "通知", notify: "显示桌面通知", notifyHint: "页面打开时，提及你的消息以及未静音房间的每条消息都会通知。", notifyDenied: "浏览器阻止了本页面的通知。请在网站设置中允许，然后重试。", notifyMissing: "此浏览器没有桌面通知。",
  account: "账号", signOut: "退出登录", signedInAs: (user) => `当前登录：${user}`,
};
