package io.steelyard.feed.web;

import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How often one address may ask in five minutes: pages, API calls, searches and forms apart.
 * Buckets that nobody used for longest are forgotten first.
 */
final class RateLimits {

  private static final Duration WINDOW = Duration.ofMinutes(5);
  private static final int MOST_BUCKETS = 50_000;
  private static final int FORMS = 120;

  private final Map<Group, Integer> most;
  private final Map<String, Bucket> buckets =
      new LinkedHashMap<>(1024, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
          return size() > MOST_BUCKETS;
        }
      };

  private enum Group {
    PAGES,
    API,
    SEARCH,
    FORMS
  }

  RateLimits(Settings settings) {
    this.most =
        Map.of(
            Group.PAGES, settings.whole(Setting.RATE_PAGES),
            Group.API, settings.whole(Setting.RATE_API),
            Group.SEARCH, settings.whole(Setting.RATE_SEARCH),
            Group.FORMS, FORMS);
  }

  /** The refusal, if this address has asked too often. */
  Optional<Reply> check(String address, Route route) {
    if (route.kind() == Route.Kind.ASSET || route.kind() == Route.Kind.OPERATION) {
      return Optional.empty();
    }
    final Group kind = groupOf(route);
    final int limit = most.get(kind);
    if (limit == 0) {
      return Optional.empty();
    }
    final ConsumptionProbe probe =
        bucket(kind + " " + address, limit).tryConsumeAndReturnRemaining(1);
    if (probe.isConsumed()) {
      return Optional.empty();
    }
    final long seconds = 1 + Duration.ofNanos(probe.getNanosToWaitForRefill()).toSeconds();
    final String name = kind.name().toLowerCase(Locale.ROOT);
    return Optional.of(
        Reply.json(Json.object("error", "too many requests; try again in " + seconds + " seconds"))
            .status(429)
            .with("Retry-After", Long.toString(seconds))
            .with("RateLimit-Policy", "\"" + name + "\";q=" + limit + ";w=" + WINDOW.toSeconds())
            .with("RateLimit", "\"" + name + "\";r=0;t=" + seconds));
  }

  private Bucket bucket(String key, int limit) {
    synchronized (buckets) {
      return buckets.computeIfAbsent(
          key,
          _ ->
              Bucket.builder()
                  .addLimit(Bandwidth.builder().capacity(limit).refillGreedy(limit, WINDOW).build())
                  .build());
    }
  }

  private static Group groupOf(Route route) {
    if (route.kind() == Route.Kind.FORM) {
      return Group.FORMS;
    }
    if (route.path().contains("search")) {
      return Group.SEARCH;
    }
    return switch (route.kind()) {
      case API, CALL -> Group.API;
      default -> Group.PAGES;
    };
  }
}
