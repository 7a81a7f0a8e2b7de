using System.Globalization;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace Bench.Pages;

public record Moment(string Iso, string Text)
{
    public static Moment Of(DateTimeOffset time) => new(
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture),
        time.UtcDateTime.ToString("d MMMM yyyy 'at' HH:mm 'UTC'", CultureInfo.InvariantCulture));
}

/// <summary>A claim as the page lays it out.</summary>
public record Row(string Name, string? Label, IReadOnlyList<string> Values)
{
    public bool IsList => Name == "roles";

    public Moment? Time => Name is "iat" or "exp" && long.TryParse(Values[0], out var seconds)
        ? Moment.Of(DateTimeOffset.FromUnixTimeSeconds(seconds))
        : null;
}

/// <summary>The page of this project's own /profile, with the same parts and as many bytes.</summary>
[Authorize]
public class ProfileModel : PageModel
{
    private static readonly string[] AboutYou = ["name", "given_name", "family_name", "email", "zoneinfo", "roles"];
    private static readonly string[] AboutSignIn = ["sub", "iss", "aud", "iat", "exp", "sid"];
    private static readonly Dictionary<string, string> Labels = new()
    {
        ["name"] = "Name",
        ["given_name"] = "First name",
        ["family_name"] = "Family name",
        ["email"] = "Email address",
        ["zoneinfo"] = "Time zone",
        ["roles"] = "Roles",
        ["sub"] = "Your ID at the provider",
        ["iss"] = "Provider",
        ["aud"] = "Intended for",
        ["iat"] = "Issued",
        ["exp"] = "ID token valid until",
        ["sid"] = "Session at the provider",
    };
    private static readonly JsonSerializerOptions Spread = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public Moment SignedInAt { get; private set; } = null!;
    public Moment SessionExpires { get; private set; } = null!;
    public IReadOnlyList<(string Title, IReadOnlyList<Row> Rows)> Groups { get; private set; } = [];
    public string Raw { get; private set; } = "";

    public string Value(string name) => User.FindFirstValue(name) ?? "";

    public IEnumerable<string> Roles => User.FindAll("roles").Select(role => role.Value);

    public string Initials => string.Concat(Value("name").Split(' ').Select(word => word[0]));

    public void OnGet()
    {
        var properties = HttpContext.Features.Get<IAuthenticateResultFeature>()!.AuthenticateResult!.Properties!;
        SignedInAt = Moment.Of(properties.IssuedUtc!.Value);
        SessionExpires = Moment.Of(properties.ExpiresUtc!.Value);
        ViewData["ExpiresAt"] = properties.ExpiresUtc;
        ViewData["Name"] = Value("name");
        ViewData["Initials"] = Initials;
        var claims = User.Claims.GroupBy(claim => claim.Type)
            .ToDictionary(group => group.Key, group => group.Select(claim => claim.Value).ToList());
        Groups = [("About you", RowsOf(claims, AboutYou)), ("About this sign-in", RowsOf(claims, AboutSignIn))];
        Raw = JsonSerializer.Serialize(
            claims.ToDictionary(
                claim => claim.Key,
                claim => claim.Key switch
                {
                    "roles" => (object)claim.Value,
                    "iat" or "exp" => long.Parse(claim.Value[0], CultureInfo.InvariantCulture),
                    _ => claim.Value[0],
                }),
            Spread);
    }

    private static List<Row> RowsOf(Dictionary<string, List<string>> claims, string[] names) =>
        names.Where(claims.ContainsKey)
            .Select(name => new Row(name, Labels.GetValueOrDefault(name), claims[name]))
            .ToList();
}
