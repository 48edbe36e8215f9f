package room

import "hearth/node/room/roompb"

func checkFiles(b *roompb.Body) error {
	if n := len(b.GetFiles()); n > MaxFiles {
		return Errorf(TooLarge, "A message has at most %d files, not %d.", MaxFiles, n)
	}
	for _, f := range b.GetFiles() {
		if err := checkFile(f); err != nil {
			return err
		}
	}
	return nil
}

func checkFile(f *roompb.File) error {
	if f.GetName() == "" {
		return Errorf(BadRequest, "A file has a name.")
	}
	if err := CheckLine("file's name", f.GetName(), MaxFileName); err != nil {
		return err
	}
	if err := CheckLine("file's type", f.GetType(), MaxFileType); err != nil {
		return err
	}
	if f.GetSize() > MaxSeq {
		return Errorf(TooLarge, "%s is said to have %d bytes.", f.GetName(), f.GetSize())
	}
	_, err := ParseHash(f.GetBlob())
	return err
}
