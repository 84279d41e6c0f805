/** Letters: what waits to be sent, and who sends it. */
package io.steelyard.feed.mail;
