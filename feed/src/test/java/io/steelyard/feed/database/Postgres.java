package io.steelyard.feed.database;

import io.steelyard.feed.Needs;
import io.steelyard.feed.configuration.Setting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A PostgreSQL of this test run, in a folder of its own on a free port. It refuses to run as root,
 * so root starts it as the user {@code postgres} that Debian's package makes.
 */
public final class Postgres {

  private static final AtomicInteger NUMBER = new AtomicInteger();

  private final List<String> as;
  private final Path bin;
  private final Path folder;
  private final int port;

  private static final class Shared {

    private static final Postgres ONE = new Postgres();

    private Shared() {}
  }

  private Postgres() {
    this.bin = programs();
    try {
      this.folder = Files.createTempDirectory("steelyard-postgres");
      this.port = freePort();
      final boolean root = "root".equals(System.getProperty("user.name"));
      this.as = root ? List.of("runuser", "-u", "postgres", "--") : List.of();
      if (root) {
        run(List.of("chown", "postgres", folder.toString()));
      }
      run(
          program(
              "initdb", "-D", folder + "/data", "-U", "feed", "-A", "trust", "-N", "-E", "UTF8"));
      start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make a folder for PostgreSQL", e);
    }
    Runtime.getRuntime().addShutdownHook(new Thread(this::end));
  }

  /** The one of this test run; the test is skipped where PostgreSQL is not installed. */
  public static Postgres shared() {
    programs();
    return Shared.ONE;
  }

  /** An empty database. */
  public Map<Setting, String> fresh() {
    final String name = "feed" + NUMBER.incrementAndGet();
    try (Connection connection = DriverManager.getConnection(address("postgres"), "feed", "")) {
      connection.createStatement().execute("CREATE DATABASE " + name);
    } catch (SQLException e) {
      throw new IllegalStateException("cannot make a database", e);
    }
    return Map.of(Setting.DB, address(name), Setting.DB_USER, "feed");
  }

  /** Starts the server and waits until it answers. */
  public void start() {
    run(
        program(
            "pg_ctl",
            "-D",
            folder + "/data",
            "-w",
            "-l",
            folder + "/log",
            "-o",
            "-p " + port + " -c listen_addresses=127.0.0.1 -c unix_socket_directories=" + folder,
            "start"));
  }

  /** Stops the server at once, as a crash would, whatever it is doing. */
  public void crash() {
    run(program("pg_ctl", "-D", folder + "/data", "-m", "immediate", "-w", "stop"));
  }

  private String address(String database) {
    return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
  }

  private void end() {
    crash();
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + folder, e);
    }
  }

  private List<String> program(String name, String... arguments) {
    final List<String> command = new ArrayList<>(as);
    command.add(bin.resolve(name).toString());
    command.addAll(List.of(arguments));
    return command;
  }

  private static Path programs() {
    return Needs.program("postgresql", Stream.concat(installed(), Needs.onPath("initdb")))
        .getParent();
  }

  private static Stream<Path> installed() {
    final Path versions = Path.of("/usr/lib/postgresql");
    if (!Files.isDirectory(versions)) {
      return Stream.empty();
    }
    try (Stream<Path> found = Files.list(versions)) {
      return found
          .sorted(Comparator.reverseOrder())
          .map(version -> version.resolve("bin").resolve("initdb"))
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + versions, e);
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void run(List<String> command) {
    try {
      final Path out = Files.createTempFile("steelyard-postgres", ".out");
      final Process process =
          new ProcessBuilder(command)
              .directory(Path.of("/").toFile())
              .redirectErrorStream(true)
              .redirectOutput(out.toFile())
              .start();
      final boolean ended = process.waitFor(60, TimeUnit.SECONDS);
      final String said = Files.readString(out);
      Files.delete(out);
      if (!ended || process.exitValue() != 0) {
        throw new IllegalStateException(command + " failed: " + said);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(command + " did not start", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
