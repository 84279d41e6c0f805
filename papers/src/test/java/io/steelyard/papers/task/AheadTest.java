package io.steelyard.papers.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class AheadTest {

  @Test
  void thingsComeInOrderAndOneIsMadeMeanwhile() throws InterruptedException {
    final CountDownLatch second = new CountDownLatch(1);
    try (Ahead<Integer> ahead =
        Ahead.byOne(
            5,
            i -> {
              if (i == 1) {
                second.countDown();
              }
              return i * i;
            })) {
      assertThat(ahead.next()).isZero();
      assertThat(second.await(10, TimeUnit.SECONDS)).as("made before it was asked for").isTrue();
      assertThat(IntStream.range(0, 4).map(_ -> ahead.next()).toArray())
          .containsExactly(1, 4, 9, 16);
      assertThatThrownBy(ahead::next).hasMessage("all 5 have been taken");
    }
  }

  @Test
  void nothingIsMadeBeforeItIsAskedFor() {
    final AtomicInteger made = new AtomicInteger();
    try (Ahead<Integer> ahead = Ahead.byNone(2, _ -> made.incrementAndGet())) {
      assertThat(made).hasValue(0);
      assertThat(ahead.next()).isEqualTo(1);
      assertThat(made).hasValue(1);
      assertThat(ahead.next()).isEqualTo(2);
      assertThatThrownBy(ahead::next).hasMessage("all 2 have been taken");
    }
  }

  @Test
  void whatMakingThrowsIsThrownWhenTaken() {
    try (Ahead<Integer> ahead =
        Ahead.byOne(
            3,
            i -> {
              if (i == 1) {
                throw new IllegalArgumentException("no " + i);
              }
              return i;
            })) {
      assertThat(ahead.next()).isZero();
      assertThatThrownBy(ahead::next)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("no 1");
    }
  }
}
