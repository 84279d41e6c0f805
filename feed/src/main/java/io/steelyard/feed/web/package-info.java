/** The server: requests in, replies out, and what every reply has to carry. */
package io.steelyard.feed.web;
