package plugintest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/plugins/host"
)

func stderrClosed(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	r.CloseStderr()
	for i := range 10 {
		if err := s.ask(ctx, r, event(i)); err != nil {
			return err
		}
	}
	return nil
}

func interrupted(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	r.Signal(syscall.SIGINT)
	if endsWithin(r, 200*time.Millisecond) == nil {
		return errors.New("it ended")
	}
	return s.ask(ctx, r, event(1))
}

func terminated(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	r.Signal(syscall.SIGTERM)
	if err := endsWithin(r, s.limit(answerTime)); err != nil {
		return err
	}
	switch exit := r.Exit(); {
	case exit.Signal != 0:
		return fmt.Errorf("signal %d killed it", exit.Signal)
	case exit.Code != 0:
		return fmt.Errorf("it ended with status %d", exit.Code)
	}
	return nil
}

func shutsDown(ctx context.Context, s *session) error {
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer r.Stop()
	callCtx, cancel := context.WithTimeout(ctx, s.limit(time.Second))
	defer cancel()
	answer := r.Shutdown(callCtx)
	if err := endsWithin(r, s.limit(time.Second)); err != nil {
		return fmt.Errorf("%w (plugin.GRPCController/Shutdown answered: %v)", err, answer)
	}
	return nil
}

// byHand runs the plugin without what mwlua puts into its environment.
func byHand(ctx context.Context, s *session) error {
	out, err := os.CreateTemp(s.dir, "output")
	if err != nil {
		return err
	}
	defer out.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	p, err := s.processes.Start(host.Command{
		Path: s.Plugin.Path, Args: append([]string{s.Plugin.Path}, s.Plugin.Args...), Env: s.Plugin.Env, Dir: "/", User: s.Plugin.User,
		Files: []uintptr{null.Fd(), out.Fd(), out.Fd()},
	})
	if err != nil {
		return err
	}
	select {
	case exit := <-p.Ended:
		text, err := io.ReadAll(io.NewSectionReader(out, 0, 1<<16))
		switch {
		case err != nil:
			return err
		case exit.Code == 0 && exit.Signal == 0:
			return errors.New("it ends with status 0")
		case len(bytes.Fields(text)) < 3:
			return fmt.Errorf("it says %q", text)
		}
		return nil
	case <-time.After(s.limit(5 * time.Second)):
		p.Signal(syscall.SIGKILL)
		<-p.Ended
		return errors.New("it runs on")
	}
}

// orphaned starts the plugin as the child of a shell, and kills that.
func orphaned(ctx context.Context, s *session) error {
	shell := new(underShell)
	s.processes = shell
	r, err := s.run(ctx)
	if err != nil {
		return err
	}
	defer shell.close()
	defer r.Stop()
	if err := s.ask(ctx, r, event(1)); err != nil {
		return err
	}
	if err := shell.kill(); err != nil {
		return err
	}
	polled := []unix.PollFd{{Fd: int32(shell.plugin), Events: unix.POLLIN}}
	for deadline := time.Now().Add(s.limit(orphanTime)); ; {
		_, err := unix.Poll(polled, int(time.Until(deadline).Milliseconds())+1)
		switch {
		case polled[0].Revents != 0:
			return nil
		case err != nil && err != unix.EINTR:
			return err
		case time.Now().After(deadline):
			unix.PidfdSendSignal(shell.plugin, unix.SIGKILL, nil, 0)
			return fmt.Errorf("it runs on after %v", s.limit(orphanTime))
		}
	}
}

// orphanTime is how long a plugin may live on without its host.
const orphanTime = 2 * time.Second
