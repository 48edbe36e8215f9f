package plugins

func hostUntilKilled(dir string) {}
