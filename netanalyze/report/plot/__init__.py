"""Pictures of one TCP connection over time, as SVG, PNG or a self-contained HTML page.

The time/sequence diagram that Stevens drew in TCP/IP Illustrated and tcptrace made known, with the
window, the round trip times and the throughput below it on the same time axis.

``plot_windows`` turns the table ``windows`` into a picture as data; ``render`` draws it. Only the
latter needs matplotlib, and imports it when it is called.
"""

from netanalyze.report.plot.build import plot_windows
from netanalyze.report.plot.picture import Plot
from netanalyze.report.plot.render import FORMS, plot_format, render

__all__ = ["FORMS", "Plot", "plot_format", "plot_windows", "render"]
