package io.steelyard.feed.mail;

import io.steelyard.feed.database.Database;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Sends the letters of the outbox one by one, as long as the site runs. */
public final class Postman implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Postman.class.getName());
  private static final long LOOK_SECONDS = 10;

  private final Database database;
  private final Carrier carrier;
  private final Semaphore bell = new Semaphore(0);
  private final Thread thread;
  private volatile boolean stopping;

  private Postman(Database database, Carrier carrier) {
    this.database = database;
    this.carrier = carrier;
    this.thread = Thread.ofVirtual().name("postman").unstarted(this::work);
  }

  /** One who works from now on. */
  public static Postman start(Database database, Carrier carrier) {
    final int interrupted = database.write(handle -> new Outbox(handle).abandonInterrupted());
    if (interrupted > 0) {
      LOG.log(
          System.Logger.Level.WARNING,
          interrupted + " letters were being sent when the site ended; they are not sent again");
    }
    final Postman postman = new Postman(database, carrier);
    postman.thread.start();
    return postman;
  }

  /** Says that there is something to send. */
  public void ring() {
    bell.release();
  }

  /** Sends what is due now, and returns how many letters were taken. */
  public static int send(Database database, Carrier carrier) {
    int taken = 0;
    // Looking is no writing: caches of pages hold until there is a letter.
    while (database.read(handle -> new Outbox(handle).isDue(Instant.now()))) {
      final Optional<Outbox.Due> due =
          database.write(handle -> new Outbox(handle).take(Instant.now()));
      if (due.isEmpty()) {
        return taken;
      }
      if (sendOne(database, carrier, due.get())) {
        taken++;
      }
    }
    return taken;
  }

  private static boolean sendOne(Database database, Carrier carrier, Outbox.Due due) {
    try {
      carrier.carry(due.letter());
    } catch (final Carrier.DeliveryException failure) {
      LOG.log(System.Logger.Level.WARNING, failure.getMessage());
      database.write(
          handle -> {
            new Outbox(handle).failed(due, Instant.now(), failure.forGood());
            return due;
          });
      return false;
    }
    database.write(
        handle -> {
          new Outbox(handle).sent(due);
          return due;
        });
    return true;
  }

  private void work() {
    while (!stopping) {
      try {
        send(database, carrier);
      } catch (final RuntimeException e) {
        if (!stopping) {
          LOG.log(System.Logger.Level.WARNING, "letters wait: the outbox cannot be read", e);
        }
      }
      try {
        if (bell.tryAcquire(LOOK_SECONDS, TimeUnit.SECONDS)) {
          bell.drainPermits();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Ends after the letter in hand. */
  @Override
  public void close() {
    stopping = true;
    ring();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(15));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
