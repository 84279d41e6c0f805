package io.steelyard.papers.runner;

import java.util.HashSet;
import java.util.Set;

/** The children that are running. Once closed it ends them and any that arrive late. */
final class Nursery implements AutoCloseable {

  private final Set<Child> children = new HashSet<>();
  private boolean closed;

  synchronized void add(Child child) {
    children.add(child);
    if (closed) {
      child.close();
    }
  }

  synchronized void remove(Child child) {
    children.remove(child);
  }

  @Override
  public synchronized void close() {
    closed = true;
    children.forEach(Child::close);
  }
}
