import Foundation
import Support

extension TargetConnection {
  /// Opens the wire to a board; an emulated one is started first.
  ///
  /// - Throws: `FileError`, which says what could not be opened, and what to look at.
  package static func open(_ address: TargetAddress) throws(FileError) -> TargetConnection {
    switch address {
    case .qemu(let board, let firmware):
      let emulator = try Emulator(board: board, firmware: firmware, name: address.description)
      let connection = TargetConnection(
        try emulator.accept(), name: address.description, owner: emulator)
      // An emulator shares this machine with whatever else it does.
      connection.patienceSeconds = 60
      return connection
    case .tty(let device, let baud):
      return TargetConnection(
        try openSerialPort(device, baud: baud, name: address.description), name: address.description)
    case .tcp(let host, let port):
      return TargetConnection(
        try connect(to: host, port: port, name: address.description), name: address.description)
    }
  }

  /// Opens a serial port: 8 bits, no parity, one stop bit, no flow control, nothing interpreted.
  private static func openSerialPort(_ device: String, baud: Int, name: String) throws(FileError) -> Int32 {
    let descriptor = Foundation.open(device, O_RDWR | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else {
      switch errno {
      case ENOENT:
        throw .missing(name, "no such device", remedy: "plug the board in, and look for its name in /dev")
      case EACCES:
        throw .inaccessible(
          name, "may not be opened", remedy: "join the group that owns \(device) (on Debian: dialout)")
      default:
        throw .inaccessible(
          name, "can't be opened: \(String(cString: strerror(errno)))", remedy: "end what else uses it")
      }
    }
    var settings = termios()
    let speeds: [Int: Int32] = [
      9600: Int32(B9600), 19_200: Int32(B19200), 38_400: Int32(B38400), 57_600: Int32(B57600),
      115_200: Int32(B115200), 230_400: Int32(B230400), 460_800: Int32(B460800), 921_600: Int32(B921600),
      1_000_000: Int32(B1000000),
    ]
    guard tcgetattr(descriptor, &settings) == 0 else {
      close(descriptor)
      throw .inaccessible(
        name, "is no serial port", remedy: "name the board's device, such as tty:/dev/ttyACM0@115200")
    }
    cfmakeraw(&settings)
    settings.c_cflag |= tcflag_t(CLOCAL | CREAD)
    settings.c_cflag &= ~tcflag_t(CSTOPB)
    let speed = speed_t(speeds[baud] ?? Int32(B115200))
    cfsetispeed(&settings, speed)
    cfsetospeed(&settings, speed)
    guard tcsetattr(descriptor, TCSANOW, &settings) == 0 else {
      close(descriptor)
      throw .inaccessible(
        name, "doesn't take \(baud) bits a second", remedy: "choose the rate that the firmware has")
    }
    tcflush(descriptor, TCIOFLUSH)
    return descriptor
  }

  private static func connect(to host: String, port: Int, name: String) throws(FileError) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &found) == 0, let first = found else {
      throw .missing(name, "no such host", remedy: "write its name or address as it is reached from here")
    }
    defer { freeaddrinfo(first) }
    var problem = ""
    for place in sequence(first: first, next: { $0.pointee.ai_next }) {
      let descriptor = socket(place.pointee.ai_family, place.pointee.ai_socktype, place.pointee.ai_protocol)
      guard descriptor >= 0 else { continue }
      if Foundation.connect(descriptor, place.pointee.ai_addr, place.pointee.ai_addrlen) == 0 {
        var isOn: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
      }
      problem = String(cString: strerror(errno))
      close(descriptor)
    }
    throw .inaccessible(
      name, "can't be connected: \(problem)", remedy: "start the board's server, and check host and port")
  }
}
