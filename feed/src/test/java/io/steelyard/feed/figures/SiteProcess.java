package io.steelyard.feed.figures;

import io.steelyard.feed.ChildJvm;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.feed.site.Site;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A site in a process of its own. */
final class SiteProcess implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofMinutes(15);

  private final Process process;
  private final URI address;
  private final double seconds;

  private SiteProcess(Process process, URI address, double seconds) {
    this.process = process;
    this.address = address;
    this.seconds = seconds;
  }

  /** The site in that process, until it is stopped; the arguments are {@code key=value}. */
  public static void main(String[] arguments) throws InterruptedException {
    final Map<String, String> values = new LinkedHashMap<>();
    for (final String argument : arguments) {
      final int equals = argument.indexOf('=');
      values.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    final Site site = Site.start(Settings.of(Optional.empty(), Map.of(), values));
    Runtime.getRuntime().addShutdownHook(new Thread(site::close));
    Thread.currentThread().join();
  }

  /**
   * Starts a site that keeps its data in a folder and waits until it answers {@code /}.
   *
   * @param launcher the script that users start it with; without one the classes of this process
   * @param soon whether those shall start soon rather than become fast
   */
  static SiteProcess start(Path folder, Optional<Path> launcher, boolean soon)
      throws IOException, InterruptedException {
    final int port = freePort();
    final Map<String, String> settings = new LinkedHashMap<>();
    settings.put("port", Integer.toString(port));
    settings.put("data", folder.toString());
    settings.put("runs", "no-such-folder");
    // Made-up words teach nothing, and what is learned has shorter vectors than hashed n-grams.
    settings.put("search.learn", "false");
    for (final String limit : List.of("pages", "api", "search", "forms")) {
      settings.put("rate." + limit, "0");
    }
    final List<String> command = new ArrayList<>();
    if (launcher.isPresent()) {
      command.addAll(List.of(launcher.get().toString(), "serve"));
      settings.forEach((key, value) -> command.addAll(List.of("--set", key + "=" + value)));
    } else {
      command.addAll(ChildJvm.command(SiteProcess.class, soon));
      settings.forEach((key, value) -> command.add(key + "=" + value));
    }
    final long start = System.nanoTime();
    final Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    final URI address = URI.create("http://127.0.0.1:" + port);
    while (!answers(address)) {
      if (!process.isAlive() || System.nanoTime() - start > PATIENCE.toNanos()) {
        process.destroyForcibly();
        throw new IllegalStateException("the site did not start: " + command);
      }
      Thread.sleep(5);
    }
    return new SiteProcess(process, address, (System.nanoTime() - start) / 1e9);
  }

  private static boolean answers(URI address) {
    try (Connection connection = new Connection(address)) {
      return connection.get("/") == 200;
    } catch (IOException e) {
      return false;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  URI address() {
    return address;
  }

  /** From the start of the process to the first answer. */
  double seconds() {
    return seconds;
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
