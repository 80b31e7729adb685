#include "configuration.h"

#include "json.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char configuration_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"languages\": {\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9_]+(\\\\+[A-Za-z0-9_]+)*$\","
    " \"maxLength\": 127, \"default\": \"chi_sim+eng\"},"
    "\"minimum_confidence\": {\"type\": \"number\", \"minimum\": 0, \"maximum\": 1, \"default\": 0.15}}}";

static const char *const system_folders[] = {
    "/usr/share/tesseract-ocr/5/tessdata",     // Debian 12
    "/usr/share/tesseract-ocr/4.00/tessdata",  // Debian 11
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
};

// "eng", "eng+chi_sim": no empty code, and nothing that could leave the folder.
static bool is_language_list(const char *list)
{
    bool inside = false;
    for (; *list; list++) {
        bool letter = isascii((unsigned char)*list) && (isalnum((unsigned char)*list) || *list == '_');
        if (!letter && !(*list == '+' && inside)) return false;
        inside = letter;
    }
    return inside;
}

static GatehouseStatus read_languages(const JsonMember *member, Configuration *configuration,
                                      Failure *failure)
{
    static const char expected[] =
        "a string of Tesseract's language codes joined by '+', such as \"chi_sim+eng\"";
    if (member->kind != JSON_STRING)
        return fail(failure, GATEHOUSE_BAD_CONFIGURATION, "'languages': expected %s, found %s.", expected,
                    json_kind_name(member->kind));
    if (strlen(member->string) >= sizeof configuration->languages)
        return fail(failure, GATEHOUSE_BAD_CONFIGURATION,
                    "'languages': expected at most %zu bytes, found %zu.",
                    sizeof configuration->languages - 1, strlen(member->string));
    if (!is_language_list(member->string))
        return fail(failure, GATEHOUSE_BAD_CONFIGURATION, "'languages': expected %s, found \"%s\".", expected,
                    member->string);
    strcpy(configuration->languages, member->string);
    return GATEHOUSE_OK;
}

static GatehouseStatus read_confidence(const JsonMember *member, Configuration *configuration,
                                       Failure *failure)
{
    if (member->kind != JSON_NUMBER)
        return fail(failure, GATEHOUSE_BAD_CONFIGURATION,
                    "'minimum_confidence': expected a number from 0 to 1, found %s.",
                    json_kind_name(member->kind));
    if (!(member->number >= 0 && member->number <= 1))
        return fail(failure, GATEHOUSE_BAD_CONFIGURATION,
                    "'minimum_confidence': expected a number from 0 to 1, found %g.", member->number);
    configuration->minimum_confidence = member->number;
    return GATEHOUSE_OK;
}

GatehouseStatus configuration_read(const char *text, uint64_t size, Configuration *configuration,
                                   Failure *failure)
{
    Configuration read = {.languages = "chi_sim+eng", .minimum_confidence = 0.15};
    JsonObject object;
    GatehouseStatus status = json_read_object(text, size, &object, failure);
    if (status != GATEHOUSE_OK) return status;
    for (uint32_t index = 0; index < object.count && status == GATEHOUSE_OK; index++) {
        const JsonMember *member = &object.members[index];
        if (strcmp(member->key, "languages") == 0)
            status = read_languages(member, &read, failure);
        else if (strcmp(member->key, "minimum_confidence") == 0)
            status = read_confidence(member, &read, failure);
        else
            status = fail(failure, GATEHOUSE_BAD_CONFIGURATION,
                          "Unknown key '%s': expected 'languages' or 'minimum_confidence', found %s.",
                          member->key, json_kind_name(member->kind));
    }
    json_free_object(&object);
    if (status == GATEHOUSE_OK) *configuration = read;
    return status;
}

static bool is_folder(const char *path)
{
    struct stat information;
    return stat(path, &information) == 0 && S_ISDIR(information.st_mode);
}

static GatehouseStatus choose_folder(const char *weights_folder, char *folder, uint64_t capacity,
                                     Failure *failure)
{
    if (weights_folder) {
        int length = snprintf(folder, capacity, "%s/tessdata", weights_folder);
        if (length < 0 || (uint64_t)length >= capacity)
            return fail(failure, GATEHOUSE_NO_WEIGHTS,
                        "The path of the weights folder is longer than %llu bytes.",
                        (unsigned long long)capacity - 1);
        if (!is_folder(folder)) snprintf(folder, capacity, "%s", weights_folder);
        if (!is_folder(folder))
            return fail(failure, GATEHOUSE_NO_WEIGHTS,
                        "%s is not a folder: expected one that holds CODE.traineddata for each language.",
                        folder);
        return GATEHOUSE_OK;
    }
    for (size_t index = 0; index < sizeof system_folders / sizeof *system_folders; index++) {
        if (!is_folder(system_folders[index])) continue;
        snprintf(folder, capacity, "%s", system_folders[index]);
        return GATEHOUSE_OK;
    }
    return fail(failure, GATEHOUSE_NO_WEIGHTS,
                "There is no folder of Tesseract's languages, such as %s: install the Debian package "
                "tesseract-ocr-eng, or name a folder as the plugin's weights.", system_folders[0]);
}

// Debian writes the code in lower case with '-' for '_': chi_sim is in tesseract-ocr-chi-sim.
static void package_of(const char *language, char *package, size_t capacity)
{
    snprintf(package, capacity, "tesseract-ocr-%s", language);
    for (char *letter = package; *letter; letter++)
        *letter = *letter == '_' ? '-' : (char)tolower((unsigned char)*letter);
}

GatehouseStatus configuration_find_tessdata(
    const Configuration *configuration, const char *weights_folder, char *folder, uint64_t capacity,
    Failure *failure)
{
    GatehouseStatus status = choose_folder(weights_folder, folder, capacity, failure);
    if (status != GATEHOUSE_OK) return status;

    char languages[sizeof configuration->languages];
    strcpy(languages, configuration->languages);
    char *rest = NULL;
    for (char *language = strtok_r(languages, "+", &rest); language; language = strtok_r(NULL, "+", &rest)) {
        char path[4096 + sizeof languages + 16], package[sizeof languages + 16];
        snprintf(path, sizeof path, "%s/%s.traineddata", folder, language);
        if (access(path, R_OK) == 0) continue;
        package_of(language, package, sizeof package);
        return fail(failure, GATEHOUSE_NO_WEIGHTS,
                    "The language '%s' has no readable file %s: install the Debian package %s, or put the "
                    "file there.",
                    language, path, package);
    }
    return GATEHOUSE_OK;
}
