package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// FileError is an error that concerns a file, or a line of it.
type FileError struct {
	File string
	Line int // 0: the file as a whole
	Err  error
}

func (e *FileError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.File, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// OfFile makes err one of the file called name, without naming it twice.
func OfFile(name string, err error) error {
	return &FileError{File: name, Err: unnamed(name, err)}
}

// unnamed takes the name out of err, at its beginning too.
func unnamed(name string, err error) error {
	err = Bare(err)
	if u := errors.Unwrap(err); u != nil && err.Error() == name+": "+u.Error() {
		return u
	}
	return err
}

// Bare takes the path and the operation out of err.
func Bare(err error) error {
	var f *FileError
	if errors.As(err, &f) {
		err = f.Err
	}
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}

// Folder is an output folder; the empty one takes everything and keeps nothing.
type Folder string

// Join is the path of a file in the folder.
func (dir Folder) Join(name string) string { return filepath.Join(string(dir), name) }

// Sub is a folder in the folder; of the empty one, the empty one.
func (dir Folder) Sub(name string) Folder {
	if dir == "" {
		return ""
	}
	return Folder(dir.Join(name))
}

// Begin opens the folder for a run, and removes the files and the networks' checkpoints that an
// earlier one has left. A run that resumes keeps the checkpoints, which it goes on from, and the
// table of its epochs, lest a kill before the next epoch lose it.
func (dir Folder) Begin(resume bool, metrics string, files, nets []string) error {
	var old []string
	for _, name := range files {
		if !resume || name != metrics {
			old = append(old, name)
		}
	}
	if !resume {
		for _, net := range nets {
			old = append(old, CheckpointFile(net))
		}
	}
	return dir.Open(old...)
}

// Open makes the folder, finds out whether it can be written, and removes the
// files called old, which an earlier run has left there.
func (dir Folder) Open(old ...string) error {
	if dir == "" {
		return nil
	}
	const probe = "probe"
	err := os.MkdirAll(string(dir), 0o777)
	if err == nil {
		err = dir.Write(probe, func(io.Writer) error { return nil })
	}
	if err != nil {
		return &FileError{File: string(dir), Err: fmt.Errorf("the output folder cannot be written (%w); name another one, or free this one", Bare(err))}
	}
	for _, name := range append([]string{probe}, old...) {
		if err := os.Remove(dir.Join(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return OfFile(dir.Join(name), err)
		}
	}
	return nil
}

// Write makes a file whole or not at all, also if the machine stops: a temporary
// one is written to the disk, and then renamed.
func (dir Folder) Write(name string, content func(io.Writer) error) error {
	if dir == "" {
		return nil
	}
	final, temp := dir.Join(name), dir.Join("."+name+".tmp")
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return OfFile(final, err)
	}
	w := bufio.NewWriter(f)
	err = content(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync() // or the new name could come before the content
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp, final)
	}
	if err != nil {
		os.Remove(temp)
		return OfFile(final, err)
	}
	dir.sync()
	return nil
}

// sync writes the folder's names to the disk. Some systems and file systems
// cannot do that: a file is then still whole, as it was before or as it is now.
func (dir Folder) sync() {
	if d, err := os.Open(string(dir)); err == nil {
		d.Sync()
		d.Close()
	}
}

// WriteJSON makes a file of one JSON value.
func (dir Folder) WriteJSON(name, indent string, v any) error {
	return dir.Write(name, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", indent)
		return e.Encode(v)
	})
}
