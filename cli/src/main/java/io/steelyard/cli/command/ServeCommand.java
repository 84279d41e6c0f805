package io.steelyard.cli.command;

import com.google.gson.JsonObject;
import io.steelyard.cli.json.Json;
import io.steelyard.cli.terminal.Terminal;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.site.Site;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the site. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = {
      "Runs the site of daily papers: what they claim, what was measured, operators to try.",
      "It answers until it is interrupted; then it ends what it is doing."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  steelyard serve",
      "  steelyard serve --host 0.0.0.0 --port 80 --config site.properties",
      "  steelyard serve --db jdbc:postgresql://db/papers --set db.user=papers --set base-path=/papers"
    })
public final class ServeCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Option(names = "--host", paramLabel = "NAME", description = "Address to listen on.")
  private Optional<String> host;

  @Option(names = "--port", paramLabel = "N", description = "Port; 0 takes a free one.")
  private Optional<Integer> port;

  @Mixin private FeedOptions options;
  @Mixin private JsonOption output;
  @Spec private CommandSpec spec;

  /** The command on these streams. */
  public ServeCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws InterruptedException {
    final Map<Setting, String> given = new EnumMap<>(Setting.class);
    host.ifPresent(name -> given.put(Setting.HOST, name));
    port.ifPresent(number -> given.put(Setting.PORT, number.toString()));
    final Site site = Site.start(options.settings(spec, given));
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("stop").unstarted(site::close));
    if (output.json()) {
      final JsonObject json = new JsonObject();
      json.addProperty("address", site.address());
      Json.print(terminal, json);
    } else {
      terminal.out().println("The site is at " + site.address() + "/ (Ctrl-C ends it)");
      terminal.out().flush();
    }
    new CountDownLatch(1).await();
    return 0;
  }
}
