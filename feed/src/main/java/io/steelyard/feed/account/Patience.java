package io.steelyard.feed.account;

import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How many wrong passwords are borne: so many for an account and so many from an address, then
 * neither is listened to until time has passed. Right ones do not count.
 */
public final class Patience {

  /** Wrong passwords for one account in {@link #WINDOW}. */
  public static final int FOR_AN_ACCOUNT = 10;

  /** Wrong passwords from one address in {@link #WINDOW}. */
  public static final int FROM_AN_ADDRESS = 50;

  /** The time in which they count. */
  public static final Duration WINDOW = Duration.ofMinutes(15);

  private static final int MOST_BUCKETS = 20_000;

  private final Map<String, Bucket> buckets =
      new LinkedHashMap<>(256, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
          return size() > MOST_BUCKETS;
        }
      };

  /** Whether another try is listened to. */
  public boolean left(String account, String address) {
    return bucket("account " + account, FOR_AN_ACCOUNT).getAvailableTokens() > 0
        && bucket("address " + address, FROM_AN_ADDRESS).getAvailableTokens() > 0;
  }

  /** Notes a wrong password. */
  public void wrong(String account, String address) {
    bucket("account " + account, FOR_AN_ACCOUNT).tryConsume(1);
    bucket("address " + address, FROM_AN_ADDRESS).tryConsume(1);
  }

  private Bucket bucket(String key, int most) {
    synchronized (buckets) {
      return buckets.computeIfAbsent(
          key,
          _ ->
              Bucket.builder()
                  .addLimit(Bandwidth.builder().capacity(most).refillGreedy(most, WINDOW).build())
                  .build());
    }
  }
}
