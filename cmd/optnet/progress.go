package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bars makes progress bars; nil makes none.
type bars struct {
	w     io.Writer
	color bool
}

// newBars returns nil unless w is a terminal that can show a bar.
func newBars(w io.Writer) *bars {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &bars{w: w, color: os.Getenv("NO_COLOR") == ""}
}

func (b *bars) start(title string, steps int) *progressbar.ProgressBar {
	theme := progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: "", BarEnd: ""}
	if b.color {
		theme.Saucer, theme.SaucerHead = "[green]█[reset]", "[green]█[reset]"
	}
	return progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetDescription(title),
		progressbar.OptionEnableColorCodes(b.color),
		progressbar.OptionSetTheme(theme),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(50*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
	)
}
